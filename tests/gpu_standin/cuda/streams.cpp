// Streams and events.
#include "queue.h"

#include <cuda_runtime_api.h>

struct Event {
    TaskPointer task;
    bool captured = false;  // recorded while its stream was captured: a place in a graph, not a time
    bool recorded = false;
};

PLAYED cudaError_t cudaStreamCreateWithPriority(cudaStream_t* handle, unsigned flags, int priority) {
    auto held = lock();
    auto* stream = new Stream;
    stream->flags = flags;
    stream->priority = priority;
    streams().insert(stream);
    *handle = (cudaStream_t)stream;
    return cudaSuccess;
}

PLAYED cudaError_t cudaStreamCreateWithFlags(cudaStream_t* handle, unsigned flags) {
    return cudaStreamCreateWithPriority(handle, flags, 0);
}

PLAYED cudaError_t cudaStreamCreate(cudaStream_t* handle) { return cudaStreamCreateWithPriority(handle, 0, 0); }

PLAYED cudaError_t cudaStreamDestroy(cudaStream_t handle) {
    auto held = lock();
    Stream* stream = stream_of(handle);
    finish(stream->last);
    streams().erase(stream);  // not deleted: no later stream has its address, so work for it is an error
    return cudaSuccess;
}

PLAYED cudaError_t cudaStreamGetFlags(cudaStream_t handle, unsigned* flags) {
    *flags = stream_of(handle)->flags;
    return cudaSuccess;
}

PLAYED cudaError_t cudaStreamGetPriority(cudaStream_t handle, int* priority) {
    *priority = stream_of(handle)->priority;
    return cudaSuccess;
}

PLAYED cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
    auto held = lock();
    Stream* stream = stream_of(handle);
    if (stream->capture) return refuse(stream, cudaErrorStreamCaptureUnsupported, "cudaStreamSynchronize");
    LOG("the host waits for stream %p", (void*)handle);
    finish(stream);
    if (stream == null_stream())
        for (Stream* other : streams())
            if (other->waits_for_null()) finish(other->last);
    return cudaSuccess;
}

PLAYED cudaError_t cudaStreamQuery(cudaStream_t handle) {
    auto held = lock();
    Stream* stream = stream_of(handle);
    if (stream->capture) return refuse(stream, cudaErrorStreamCaptureUnsupported, "cudaStreamQuery");
    return stream->last && !stream->last->done ? cudaErrorNotReady : cudaSuccess;
}

PLAYED cudaError_t cudaDeviceSynchronize() {
    auto held = lock();
    if (any_captured()) {
        invalidate_captures();
        return failed(cudaErrorStreamCaptureUnsupported, "cudaDeviceSynchronize");
    }
    LOG("the host waits for the device");
    finish_everything();
    return cudaSuccess;
}

PLAYED cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
    return ask(stream, [=] { function(argument); });
}

PLAYED cudaError_t cudaEventCreateWithFlags(cudaEvent_t* handle, unsigned) {
    *handle = (cudaEvent_t) new Event;
    return cudaSuccess;
}

PLAYED cudaError_t cudaEventCreate(cudaEvent_t* handle) { return cudaEventCreateWithFlags(handle, 0); }

PLAYED cudaError_t cudaEventDestroy(cudaEvent_t handle) {
    delete (Event*)handle;
    return cudaSuccess;
}

PLAYED cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t on) {
    auto held = lock();
    Stream* stream = stream_of(on);
    auto* event = (Event*)handle;
    if (stream->capture) {
        event->captured = true;
        event->task = nullptr;
        return cudaSuccess;
    }
    cudaError_t error = ask(on, [] {});
    if (error) return error;
    event->captured = false;
    event->recorded = true;
    event->task = stream->last;
    return cudaSuccess;
}

PLAYED cudaError_t cudaEventQuery(cudaEvent_t handle) {
    auto held = lock();
    auto* event = (Event*)handle;
    if (event->captured) return failed(cudaErrorCapturedEvent, "cudaEventQuery");
    return event->task && !event->task->done ? cudaErrorNotReady : cudaSuccess;
}

PLAYED cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
    auto held = lock();
    auto* event = (Event*)handle;
    if (event->captured) return failed(cudaErrorCapturedEvent, "cudaEventSynchronize");
    LOG("the host waits for an event");
    finish(event->task);
    return cudaSuccess;
}

// Speed is not played: everything takes a millisecond.
PLAYED cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
    *milliseconds = 1;
    return cudaSuccess;
}

PLAYED cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t on, unsigned) {
    auto held = lock();
    Stream* stream = stream_of(handle);
    auto* event = (Event*)on;
    if (stream->capture && !event->captured && event->recorded)
        return refuse(stream, cudaErrorStreamCaptureIsolation, "a captured stream waits for what is not captured");
    if (event->task && !event->task->done) stream->events.push_back(event->task);
    return cudaSuccess;
}
