// From the accumulators of the blocks that share a tile to those of one block.
#pragma once

#include "linear.cuh"

// Adds COUNT sums that each of PARTS blocks has left, this thread's words from `first` on. They are
// asked for before one is added, so that the memory's delay counts once.
template <int COUNT, int THREADS, int PARTS>
DEVICE void add_left(i32 *sums, const Words *const (&first)[PARTS]) {
    Words words[PARTS][COUNT / 4];
    UNROLL for (int part = 0; part < PARTS; ++part) {
        UNROLL for (int i = 0; i < COUNT / 4; ++i) {
            words[part][i] = load_of_others(first[part] + i * THREADS);
        }
    }
    UNROLL for (int part = 0; part < PARTS; ++part) {
        UNROLL for (int i = 0; i < COUNT; ++i) {
            sums[i] = i32(u32(sums[i]) + words[part][i / 4].word[i % 4]);
        }
    }
}

// The same of all blocks of a tile but `part`. Small tiles leave registers for the words of two.
template <int COUNT, int THREADS>
DEVICE void add_others(const Linear &job, const Words *first, u32 part, i32 *sums) {
    const u64 step = COUNT / 4 * THREADS;
    const int some = COUNT < 64 ? COUNT : 64;
    u32 i = 0;
    if (COUNT <= 32) {
        KEEP_LOOP for (; i + 2 < job.parts; i += 2) {
            add_left<COUNT, THREADS, 2>(sums, {first + (i + (i >= part)) * step,
                                               first + (i + 1 + (i + 1 >= part)) * step});
        }
    }
    KEEP_LOOP for (; i + 1 < job.parts; ++i) {
        const Words *const next = first + (i + (i >= part)) * step;
        UNROLL for (int j = 0; j < COUNT; j += some) {
            add_left<some, THREADS, 1>(sums + j, {next + j / 4 * THREADS});
        }
    }
}

// Whether this block is the last of its tile's that has stored what it leaves; it then sees what the
// others have. That needs every thread's fences: the order of a fence of one block and a fence of
// another follows from the count between them, which barriers tie to all threads.
DEVICE bool arrives_last(const Linear &job, u32 tile) {
    device_fence();
    barrier();
    u32 *const arrived = (u32 *)dynamic_shared();
    if (thread_index() == 0) *arrived = fetch_add(job.arrivals + tile, 1);
    barrier();
    const bool last = *arrived == job.parts - 1;
    barrier();
    if (last) device_fence();
    return last;
}

// Adds up what the blocks that share a tile have summed, COUNT sums in each thread. False in all
// blocks but the one that comes last, and has all of it then. Nobody waits for anybody: whoever is
// not the last leaves its sums and ends. Shared memory is free before it and behind it.
template <int COUNT, int THREADS>
DEVICE bool gather(const Linear &job, i32 *sums) {
    if (job.parts == 1) return true;
    const u32 block = anew(block_index()), tile = block / job.parts, part = block % job.parts;
    const u64 step = COUNT / 4 * THREADS;
    Words *const first = (Words *)job.partials + u64(tile) * job.parts * step + thread_index();
    UNROLL for (int i = 0; i < COUNT / 4; ++i) {
        const i32 *four = sums + 4 * i;
        store_for_others(first + part * step + i * THREADS,
                         {{u32(four[0]), u32(four[1]), u32(four[2]), u32(four[3])}});
    }
    if (!arrives_last(job, tile)) return false;
    add_others<COUNT, THREADS>(job, first, part, sums);
    // For the next launch.
    if (thread_index() == 0) job.arrivals[tile] = 0;
    return true;
}
