// How the threads of a grid run in turn: those of a block with barriers each on a stack of their own.
#include "grid.h"

#include <ucontext.h>

#include <memory>
#include <vector>

standin::Index threadIdx, blockIdx, blockDim, gridDim;

namespace standin {
static const size_t STACK = 1 << 16;
alignas(16) char shared[SHARED];

struct Block {
    const Kernel& kernel;
    void** arguments;
    ucontext_t outside;
    std::vector<ucontext_t> threads;
    std::vector<char> ended;
    size_t now = 0;
};
static Block* running = nullptr;

static void leave() { swapcontext(&running->threads[running->now], &running->outside); }

void wait_for_block() {
    if (running) leave();
}

static void begin() {
    running->kernel.call(running->arguments);
    running->ended[running->now] = 1;
    leave();
}

static Index position(unsigned number, Index size) {
    return {number % size.x, number / size.x % size.y, number / size.x / size.y};
}

static void run_to_barriers(const Kernel& kernel, void** arguments, unsigned count) {
    static std::vector<std::unique_ptr<char[]>> stacks;
    while (stacks.size() < count) stacks.emplace_back(new char[STACK]);
    Block block{kernel, arguments, {}, std::vector<ucontext_t>(count), std::vector<char>(count)};
    running = &block;
    for (unsigned t = 0; t < count; t++) {
        ucontext_t& context = block.threads[t];
        getcontext(&context);
        context.uc_stack.ss_sp = stacks[t].get();
        context.uc_stack.ss_size = STACK;
        context.uc_link = &block.outside;
        makecontext(&context, begin, 0);
    }
    for (unsigned left = count; left;)
        for (unsigned t = 0; t < count; t++) {
            if (block.ended[t]) continue;
            block.now = t;
            threadIdx = position(t, blockDim);
            swapcontext(&block.outside, &block.threads[t]);
            left -= block.ended[t];
        }
    running = nullptr;
}

void run_grid(const Kernel& kernel, void** arguments, Index grid, Index block) {
    gridDim = grid;
    blockDim = block;
    unsigned count = block.x * block.y * block.z;
    for (unsigned b = 0; b < grid.x * grid.y * grid.z; b++) {
        blockIdx = position(b, grid);
        if (kernel.has_barriers && count > 1) {
            run_to_barriers(kernel, arguments, count);
            continue;
        }
        for (unsigned t = 0; t < count; t++) {
            threadIdx = position(t, block);
            kernel.call(arguments);
        }
    }
}
}  // namespace standin
