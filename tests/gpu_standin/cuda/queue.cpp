// The queue of work: every call asks a stream for something; waiting does it, with all that has to come before.
#include "queue.h"

#include <cstdlib>
#include <cstring>

bool is_set(const char* variable) { return getenv(variable) != nullptr; }

static bool lazy() {
    static const char* way = getenv("FAKEGPU");
    return way && !strcmp(way, "lazy");
}

std::unique_lock<std::recursive_mutex> lock() {
    static std::recursive_mutex mutex;
    return std::unique_lock(mutex);
}

static cudaError_t last_error = cudaSuccess;

cudaError_t failed(cudaError_t error, const char* where) {
    LOG("error %d in %s", (int)error, where);
    return last_error = error;
}

cudaError_t take_last_error() {
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

Stream* null_stream() {
    static Stream stream;
    return &stream;
}

Stream* stream_of(void* handle) {
    bool legacy = handle == nullptr || handle == (void*)1;
    return legacy ? null_stream() : (Stream*)handle;
}

std::set<Stream*>& streams() {
    static std::set<Stream*> alive;
    return alive;
}

bool any_captured() {
    for (Stream* stream : streams())
        if (stream->capture) return true;
    return false;
}

bool null_stream_is_blocked() {
    for (Stream* stream : streams())
        if (stream->capture && stream->waits_for_null()) return true;
    return false;
}

void invalidate_captures() {
    for (Stream* stream : streams())
        if (stream->capture) stream->capture->invalid = true;
}

cudaError_t refuse(Stream* stream, cudaError_t error, const char* where) {
    stream->capture->invalid = true;
    return failed(error, where);
}

static void add(Stream* stream, Work work) {
    auto task = std::make_shared<Task>();
    task->work = std::move(work);
    task->after.swap(stream->events);
    if (stream->last) task->after.push_back(stream->last);
    if (stream == null_stream()) {
        for (Stream* other : streams())
            if (other->waits_for_null() && other->last && !other->capture) task->after.push_back(other->last);
    } else if (stream->waits_for_null() && null_stream()->last) {
        task->after.push_back(null_stream()->last);
    }
    stream->last = task;
    if (!lazy()) finish(task);
}

cudaError_t ask(void* handle, Work work) {
    auto held = lock();
    Stream* stream = stream_of(handle);
    if (stream != null_stream() && !streams().count(stream))
        return failed(cudaErrorInvalidResourceHandle, "work for a stream that is gone");
    if (stream->capture) {
        if (stream->capture->invalid) return failed(cudaErrorStreamCaptureInvalidated, "work for an invalid capture");
        stream->capture->asked.push_back(std::move(work));
        return cudaSuccess;
    }
    if (stream == null_stream() && null_stream_is_blocked()) {
        invalidate_captures();
        return failed(cudaErrorStreamCaptureImplicit, "work for the null stream during a capture");
    }
    add(stream, std::move(work));
    return cudaSuccess;
}

// For the other libraries: the work is theirs to allocate and ours to delete.
PLAYED int fakegpu_ask(void* stream, Work* work) {
    std::unique_ptr<Work> owned(work);
    return ask(stream, std::move(*owned));
}

void finish(TaskPointer wanted) {
    std::vector<TaskPointer> stack{std::move(wanted)};  // no recursion: a chain may hold thousands of tasks
    while (!stack.empty()) {
        TaskPointer task = stack.back();
        TaskPointer before;
        if (task && !task->done)
            for (auto& other : task->after)
                if (!other->done) before = other;
        if (before) {
            stack.push_back(before);
            continue;
        }
        stack.pop_back();
        if (!task || task->done) continue;
        task->done = true;
        task->after.clear();
        task->work();
        task->work = nullptr;
    }
}

void finish(Stream* stream) {
    finish(stream->last);
    for (auto& event : stream->events) finish(event);
}

void finish_everything() {
    finish(null_stream());
    for (Stream* stream : streams()) finish(stream);
}
