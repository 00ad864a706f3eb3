// cuFFT: transforms of up to three axes, each by its sum; of real numbers half of the last axis is kept, as there.
#include "library.h"

#include <complex>
#include <vector>

using Complex = std::complex<double>;

enum Result { SUCCESS = 0, INVALID_PLAN = 1, INVALID_VALUE = 4 };
enum Type { C2C = 0x29, R2C = 0x2a, C2R = 0x2c, Z2Z = 0x69, D2Z = 0x6a, Z2D = 0x6c };

static bool is_wide(int type) { return type & 0x40; }
static bool gives_half(int type) { return type == R2C || type == D2Z; }
static bool takes_half(int type) { return type == C2R || type == Z2D; }

// Where the elements of a batch lie: those of the last axis ``stride`` apart, batches ``distance`` apart.
struct Layout {
    std::vector<int> sizes;
    int stride = 1, distance = 0;

    size_t place(int batch, const std::vector<int>& index) const {
        size_t found = 0;
        for (size_t axis = 0; axis < index.size(); axis++) found = found * sizes[axis] + index[axis];
        return (size_t)batch * distance + found * stride;
    }
};

struct Plan {
    void* stream = nullptr;
    int type = 0, batch = 0;
    std::vector<int> n;
    Layout in, out;
};

static std::vector<Plan*>& plans() {
    static std::vector<Plan*> made;
    return made;
}

PLAYED Result cufftGetVersion(int* version) {
    *version = 12000;
    return SUCCESS;
}

PLAYED Result cufftCreate(int* handle) {
    *handle = (int)plans().size();
    plans().push_back(new Plan);
    return SUCCESS;
}

PLAYED Result cufftDestroy(int) { return SUCCESS; }  // not deleted: work that was asked for may still read it

PLAYED Result cufftSetAutoAllocation(int, int) { return SUCCESS; }

PLAYED Result cufftSetWorkArea(int, void*) { return SUCCESS; }

PLAYED Result cufftSetStream(int handle, void* stream) {
    plans()[handle]->stream = stream;
    return SUCCESS;
}

static int half(int n) { return n / 2 + 1; }

// All of it end to end, the last axis cut to its half where only that is there.
static Layout end_to_end(std::vector<int> n, bool is_half) {
    if (is_half) n.back() = half(n.back());
    Layout found{n};
    found.distance = 1;
    for (int size : n) found.distance *= size;
    return found;
}

PLAYED Result cufftMakePlanMany(
    int handle, int rank, int* n, int* in, int in_stride, int in_distance, int* out, int out_stride, int out_distance,
    int type, int batch, size_t* work) {
    Plan& plan = *plans()[handle];
    plan.type = type;
    plan.batch = batch;
    plan.n.assign(n, n + rank);
    plan.in = in ? Layout{{in, in + rank}, in_stride, in_distance} : end_to_end(plan.n, takes_half(type));
    plan.out = out ? Layout{{out, out + rank}, out_stride, out_distance} : end_to_end(plan.n, gives_half(type));
    *work = 16;
    return SUCCESS;
}

PLAYED Result cufftMakePlan1d(int handle, int n, int type, int batch, size_t* work) {
    return cufftMakePlanMany(handle, 1, &n, nullptr, 1, 0, nullptr, 1, 0, type, batch, work);
}

static void step(std::vector<int>& index, const std::vector<int>& n) {
    for (size_t axis = n.size(); axis-- && ++index[axis] == n[axis];) index[axis] = 0;
}

static Complex read(const void* start, const Plan& plan, int batch, std::vector<int> index) {
    bool is_real = gives_half(plan.type), mirrored = takes_half(plan.type) && index.back() >= half(plan.n.back());
    if (mirrored)
        for (size_t axis = 0; axis < index.size(); axis++) index[axis] = (plan.n[axis] - index[axis]) % plan.n[axis];
    size_t place = plan.in.place(batch, index);
    if (is_real) return is_wide(plan.type) ? ((double*)start)[place] : ((float*)start)[place];
    Complex found = is_wide(plan.type) ? ((Complex*)start)[place] : Complex(((std::complex<float>*)start)[place]);
    return mirrored ? std::conj(found) : found;
}

static void write(void* start, const Plan& plan, int batch, const std::vector<int>& index, Complex value) {
    if (gives_half(plan.type) && index.back() >= half(plan.n.back())) return;
    size_t place = plan.out.place(batch, index);
    bool is_real = takes_half(plan.type), wide = is_wide(plan.type);
    if (is_real && wide) ((double*)start)[place] = value.real();
    if (is_real && !wide) ((float*)start)[place] = (float)value.real();
    if (!is_real && wide) ((Complex*)start)[place] = value;
    if (!is_real && !wide) ((std::complex<float>*)start)[place] = std::complex<float>(value);
}

// Along one axis, whose elements are ``stride`` apart.
static void transform(std::vector<Complex>& data, int n, size_t stride, int direction) {
    std::vector<Complex> roots(n), line(n);
    for (int k = 0; k < n; k++) roots[k] = std::polar(1.0, direction * 2 * 3.14159265358979323846 * k / n);
    for (size_t first = 0; first < data.size(); first++) {
        if (first / stride % n) continue;
        for (int k = 0; k < n; k++) line[k] = data[first + k * stride];
        for (int k = 0; k < n; k++) {
            Complex sum = 0;
            for (int j = 0; j < n; j++) sum += line[j] * roots[(size_t)j * k % n];
            data[first + k * stride] = sum;
        }
    }
}

static Result run(int handle, void* in, void* out, int direction) {
    Plan plan = *plans()[handle];
    if (!fakegpu_is_device(in, 1) || !fakegpu_is_device(out, 1)) return INVALID_VALUE;
    return (Result)ask(plan.stream, [=] {
        size_t count = 1;
        for (int size : plan.n) count *= size;
        std::vector<Complex> data((size_t)plan.batch * count);
        std::vector<int> index(plan.n.size());
        for (size_t i = 0; i < data.size(); i++, step(index, plan.n)) data[i] = read(in, plan, (int)(i / count), index);
        size_t stride = 1;
        for (size_t axis = plan.n.size(); axis--; stride *= plan.n[axis])
            transform(data, plan.n[axis], stride, direction);
        for (size_t i = 0; i < data.size(); i++, step(index, plan.n)) write(out, plan, (int)(i / count), index, data[i]);
    });
}

PLAYED Result cufftExecC2C(int plan, void* in, void* out, int direction) { return run(plan, in, out, direction); }
PLAYED Result cufftExecZ2Z(int plan, void* in, void* out, int direction) { return run(plan, in, out, direction); }
PLAYED Result cufftExecR2C(int plan, void* in, void* out) { return run(plan, in, out, -1); }
PLAYED Result cufftExecD2Z(int plan, void* in, void* out) { return run(plan, in, out, -1); }
PLAYED Result cufftExecC2R(int plan, void* in, void* out) { return run(plan, in, out, 1); }
PLAYED Result cufftExecZ2D(int plan, void* in, void* out) { return run(plan, in, out, 1); }
