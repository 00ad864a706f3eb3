// The work of streams: asked for now, done as late as streams and events allow (FAKEGPU=lazy), or at once (FAKEGPU=eager).
#pragma once
#include <driver_types.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#define PLAYED extern "C" __attribute__((visibility("default")))
#define LOG(...) \
    do { \
        if (is_set("FAKEGPU_LOG")) fprintf(stderr, "[gpu] " __VA_ARGS__), fputc('\n', stderr); \
    } while (0)

using Work = std::function<void()>;

// Something that was asked of a stream, and what has to be done before it.
struct Task {
    Work work;
    std::vector<std::shared_ptr<Task>> after;
    bool done = false;
};
using TaskPointer = std::shared_ptr<Task>;

// What was asked of a stream while it is captured; a call that may not be captured makes it invalid.
struct Capture {
    std::vector<Work> asked;
    bool invalid = false;
};

struct Stream {
    unsigned flags = 0;
    int priority = 0;
    TaskPointer last;
    std::vector<TaskPointer> events;  // the next task waits for these
    std::unique_ptr<Capture> capture;

    bool waits_for_null() const { return !(flags & cudaStreamNonBlocking); }
};

bool is_set(const char* variable);
std::unique_lock<std::recursive_mutex> lock();
cudaError_t failed(cudaError_t error, const char* where);  // cudaGetLastError tells it once
cudaError_t take_last_error();

Stream* null_stream();
Stream* stream_of(void* handle);
std::set<Stream*>& streams();  // all that are alive, without the null stream

bool any_captured();
bool null_stream_is_blocked();  // by the capture of a stream that waits for it
void invalidate_captures();
cudaError_t refuse(Stream* stream, cudaError_t error, const char* where);  // makes its capture invalid

cudaError_t ask(void* stream, Work work);
void finish(TaskPointer task);  // and all that it waits for
void finish(Stream* stream);
void finish_everything();
