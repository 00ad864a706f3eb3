// Graphs: what was asked of one stream while it was captured, to be done again as one task.
#include "queue.h"

#include <cuda_runtime_api.h>

using Graph = std::vector<Work>;

PLAYED cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode) {
    auto held = lock();
    Stream* stream = stream_of(handle);
    if (stream == null_stream()) return failed(cudaErrorStreamCaptureUnsupported, "a capture of the null stream");
    if (stream->capture) return failed(cudaErrorIllegalState, "a capture of a captured stream");
    stream->capture = std::make_unique<Capture>();
    LOG("a capture begins");
    return cudaSuccess;
}

PLAYED cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
    auto held = lock();
    Stream* stream = stream_of(handle);
    if (!stream->capture) return failed(cudaErrorIllegalState, "the end of no capture");
    auto capture = std::move(stream->capture);
    *graph = nullptr;
    if (capture->invalid) return failed(cudaErrorStreamCaptureInvalidated, "cudaStreamEndCapture");
    LOG("a capture ends: %zu nodes", capture->asked.size());
    *graph = (cudaGraph_t) new Graph(std::move(capture->asked));
    return cudaSuccess;
}

PLAYED cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
    auto held = lock();
    Stream* stream = stream_of(handle);
    if (stream == null_stream() && null_stream_is_blocked())
        return failed(cudaErrorStreamCaptureImplicit, "cudaStreamIsCapturing");
    *status = !stream->capture           ? cudaStreamCaptureStatusNone
              : stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                         : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

PLAYED cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
    *made = (cudaGraphExec_t) new Graph(*(Graph*)graph);
    return cudaSuccess;
}

PLAYED cudaError_t cudaGraphLaunch(cudaGraphExec_t made, cudaStream_t stream) {
    return ask(stream, [graph = *(Graph*)made] {
        for (auto& work : graph) work();
    });
}

PLAYED cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }

PLAYED cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete (Graph*)graph;
    return cudaSuccess;
}

PLAYED cudaError_t cudaGraphExecDestroy(cudaGraphExec_t made) {
    LOG("a graph is destroyed");
    delete (Graph*)made;
    return cudaSuccess;
}

PLAYED cudaError_t cudaGraphDebugDotPrint(cudaGraph_t, const char*, unsigned) { return cudaErrorNotSupported; }
