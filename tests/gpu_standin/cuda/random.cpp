// cuRAND: numbers of the right distributions, not the same ones.
#include "library.h"

#include <random>

static const int SUCCESS = 0;

struct Generator {
    void* stream = nullptr;
    std::mt19937_64 engine{1};
};

PLAYED int curandCreateGenerator(Generator** generator, int) {
    *generator = new Generator;
    return SUCCESS;
}

// Not deleted: work that was asked for may still read it.
PLAYED int curandDestroyGenerator(Generator*) { return SUCCESS; }

PLAYED int curandSetStream(Generator* generator, void* stream) {
    generator->stream = stream;
    return SUCCESS;
}

PLAYED int curandSetPseudoRandomGeneratorSeed(Generator* generator, unsigned long long seed) {
    generator->engine.seed(seed);
    return SUCCESS;
}

PLAYED int curandSetGeneratorOffset(Generator*, unsigned long long) { return SUCCESS; }

PLAYED int curandSetGeneratorOrdering(Generator*, int) { return SUCCESS; }

PLAYED int curandGetVersion(int* version) {
    *version = 10400;
    return SUCCESS;
}

template <class T, class Distribution>
static int fill(Generator* generator, T* out, size_t count, Distribution distribution) {
    return ask(generator->stream, [=]() mutable {
        for (size_t i = 0; i < count; i++) out[i] = distribution(generator->engine);
    });
}

PLAYED int curandGenerate(Generator* g, unsigned* out, size_t count) {
    return fill(g, out, count, std::uniform_int_distribution<unsigned>());
}

PLAYED int curandGenerateLongLong(Generator* g, unsigned long long* out, size_t count) {
    return fill(g, out, count, std::uniform_int_distribution<unsigned long long>());
}

PLAYED int curandGenerateUniform(Generator* g, float* out, size_t count) {
    return fill(g, out, count, std::uniform_real_distribution<float>(1e-7f, 1));
}

PLAYED int curandGenerateUniformDouble(Generator* g, double* out, size_t count) {
    return fill(g, out, count, std::uniform_real_distribution<double>(1e-12, 1));
}

PLAYED int curandGenerateNormal(Generator* g, float* out, size_t count, float mean, float spread) {
    return fill(g, out, count, std::normal_distribution<float>(mean, spread));
}

PLAYED int curandGenerateNormalDouble(
    Generator* g, double* out, size_t count, double mean, double spread) {
    return fill(g, out, count, std::normal_distribution<double>(mean, spread));
}
