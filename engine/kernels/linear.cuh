// What the tiled matmul kernels share: which tile a block works on, loads of 16-byte pieces of
// rows, and the road from a warp's accumulators to the output.
#pragma once

#include "requantise.cuh"

// The arguments of a linear kernel.
struct Linear {
    const i8 *x, *w;
    const void *channels;
    const i8 *table;
    i8 *y;
    u64 m;
    u32 n, k;
    const i32 *r;
    u64 *sums;
    // How many blocks share a tile, and where they meet. Those of a tile have neighbouring numbers.
    u32 parts;
    i32 *partials;
    u32 *arrivals;
};

// The first row and column of a block's tile.
struct Corner {
    u64 row;
    u32 column;
};

// Blocks that run at the same time share rows and columns: they walk down eight tiles of rows
// before they go on to the next column.
template <int ROWS, int COLUMNS>
DEVICE Corner corner(const Linear &job) {
    const u32 down = u32((job.m + ROWS - 1) / ROWS);
    const u32 across = u32((u64(job.n) + COLUMNS - 1) / COLUMNS);
    const u32 tile = block_index() / job.parts;
    const u32 band = tile / (8 * across), inside = tile % (8 * across);
    const u32 left = down - 8 * band, height = left < 8 ? left : 8;
    return {u64(8 * band + inside % height) * ROWS, inside / height * COLUMNS};
}

// The same, worked out again behind the products.
template <int ROWS, int COLUMNS>
DEVICE Corner corner_again(Linear job) {
    job.m = anew(job.m);
    job.n = anew(job.n);
    job.parts = anew(job.parts);
    return corner<ROWS, COLUMNS>(job);
}

// Whether all 16-byte pieces of rows are aligned and whole.
DEVICE bool is_aligned(const Linear &job) {
    return ((u64(job.x) | u64(job.w) | job.k) & 15) == 0;
}

// What of the depth a block sums up: bytes of each row.
struct Share {
    u32 begin, length;
};

// A block's share, in whole steps of DEEP bytes. With more parts than steps some have nothing.
template <u32 DEEP>
DEVICE Share share(const Linear &job) {
    const u32 steps = (job.k + DEEP - 1) / DEEP, part = block_index() % job.parts;
    // Of at most 2,048 steps and 65,535 parts.
    const u32 first = part * steps / job.parts, last = (part + 1) * steps / job.parts;
    const u32 end = last * DEEP < job.k ? last * DEEP : job.k;
    return first == last ? Share{0, 0} : Share{first * DEEP, end - first * DEEP};
}

// The pieces of a tile that one thread loads: of a tile of DEEP bytes a row, piece `i` is in row
// `row() + i * ROW_STEP`, always at the same byte of it.
template <int DEEP, int THREADS>
struct Pieces {
    static const u32 ACROSS = DEEP / 16;
    static const u32 ROW_STEP = THREADS / ACROSS;

    const i8 *base, *start;
    u32 rows, k, length, at;

    // `first` of `count` rows of k bytes; at least one is behind it. Of these bytes the share.
    DEVICE_MEMBER Pieces(const i8 *data, u64 first, u64 count, u32 depth, const Share &share) {
        const u64 left = count - first;
        base = data;
        rows = left < 1024 ? u32(left) : 1024;
        k = depth;
        length = share.length;
        at = thread_index() % ACROSS * 16;
        start = data + (first + row()) * k + share.begin + at;
    }

    static DEVICE_MEMBER u32 row() {
        return thread_index() / ACROSS;
    }

    // Bytes of piece i that exist, with the tile starting at byte `depth` of the share.
    DEVICE_MEMBER u32 count(u32 i, u32 depth) const {
        if (row() + i * ROW_STEP >= rows || depth + at >= length) return 0;
        const u32 left = length - depth - at;
        return left < 16 ? left : 16;
    }

    // Where piece i is, or would be.
    DEVICE_MEMBER const i8 *place(u32 i, u32 depth) const {
        return start + i * ROW_STEP * k + depth;
    }

    // Piece i, or the start of the data where it does not exist.
    DEVICE_MEMBER const i8 *address(u32 i, u32 depth, bool exists) const {
        return exists ? place(i, depth) : base;
    }

    // Whether all words of the data are aligned, so that count() is a multiple of 4.
    DEVICE_MEMBER bool in_words() const {
        return ((u64(base) | k) & 3) == 0;
    }

    template <bool ALIGNED>
    DEVICE_MEMBER Words load(u32 i, u32 depth) const {
        const u32 bytes = count(i, depth);
        if (!ALIGNED) return load_any(place(i, depth), bytes);
        return bytes > 0 ? load_words(place(i, depth)) : Words{{0, 0, 0, 0}};
    }
};

// Where the 16-byte piece `piece` of row `row` lies in a tile of 64 bytes a row: the eight rows
// that ldmatrix reads together fall on different banks.
DEVICE u32 swizzled(u32 row, u32 piece) {
    return row * 64 + ((piece ^ (row >> 1)) & 3) * 16;
}

// Shared memory of the epilogue: the table, then the channels and r of the block's columns, then
// for each warp a slab of 16 rows of accumulators, padded against bank conflicts.
template <int WIDE>
struct Slab {
    static const u32 STRIDE = WIDE + 4;
    static const u32 BYTES = 16 * STRIDE * 4;
};

template <int TILE_COLUMNS, int WARPS, int WIDE>
struct Epilogue {
    static const u32 CHANNELS = 256;
    static const u32 R = CHANNELS + TILE_COLUMNS * 16;
    static const u32 SLABS = R + TILE_COLUMNS * 4;
    static const u32 BYTES = SLABS + WARPS * Slab<WIDE>::BYTES;
};

// Fills the epilogue's shared memory. All threads have finished with what it held before.
template <int TILE_COLUMNS, int THREADS>
DEVICE void prepare_epilogue(const Linear &job, u8 *shared, u32 first_column) {
    typedef Epilogue<TILE_COLUMNS, 1, 64> Layout;
    KEEP_LOOP for (u32 i = thread_index(); i < 256; i += THREADS) {
        // The least value first, so that no index is negative.
        shared[i ^ 128] = job.table ? u8(job.table[i]) : u8(i);
    }
    KEEP_LOOP for (u32 i = thread_index(); i < TILE_COLUMNS; i += THREADS) {
        const u64 column = u64(first_column) + i;
        const bool exists = column < job.n;
        ((Channel *)(shared + Layout::CHANNELS))[i] =
            exists ? prepare(job.channels, u32(column)) : Channel{0, 0, 0};
        if (job.r) ((i32 *)(shared + Layout::R))[i] = exists ? job.r[column] : 0;
    }
    barrier();
}

// Columns of a slab: the table, their channels and r in shared memory, and where the first one is in
// the output. Below, HIGH: no channel's `beyond` is negative. TABLE: the table is no identity.
struct Columns {
    const i8 *table;
    const Channel *channels;
    const i32 *r;
    u64 first;
};

// Whether no channel's `beyond` is negative.
template <int WIDE>
DEVICE bool are_high(const Channel *channels) {
    u32 low = 0;
    UNROLL for (u32 i = 0; i < WIDE / 32; ++i) {
        low |= channels[32 * i + thread_index() % 32].beyond < 0;
    }
    UNROLL for (u32 mask = 16; mask > 0; mask /= 2) low |= shuffle_xor(low, mask);
    return low == 0;
}

template <bool HIGH, bool TABLE>
DEVICE i32 result(i32 accumulator, const Channel &channel, const i8 *table) {
    const i32 value = requantise<HIGH>(accumulator, channel);
    return TABLE ? table[value + 128] : value;
}

// Requantises a slab of accumulators and stores it. Each lane keeps to its four columns.
template <bool HIGH, bool TABLE, int WIDE>
DEVICE void store_slab(const Linear &job, const Columns &columns, const i32 *slab, u64 first_row) {
    const u32 lane = thread_index() % 32, across = WIDE / 4, inside = lane % across * 4;
    Channel channels[4];
    UNROLL for (u32 i = 0; i < 4; ++i) channels[i] = load_channel(columns.channels + inside + i);
    const u64 column = columns.first + inside;
    const u32 count = column >= job.n ? 0 : job.n - column < 4 ? u32(job.n - column) : 4;
    const bool whole = count == 4 && ((u64(job.y) | job.n) & 3) == 0;
    const u32 rows = job.m - first_row < 16 ? u32(job.m - first_row) : 16;
    i8 *to = job.y + (first_row + lane / across) * job.n + column;
    KEEP_LOOP for (u32 row = lane / across; row < rows; row += 32 / across) {
        const Words acc = *(const Words *)(slab + row * Slab<WIDE>::STRIDE + inside);
        u32 packed = 0;
        UNROLL for (u32 i = 0; i < 4; ++i) {
            const i32 value = result<HIGH, TABLE>(i32(acc.word[i]), channels[i], columns.table);
            packed |= u32(u8(value)) << (8 * i);
        }
        if (whole) {
            *(u32 *)to = packed;
        } else {
            UNROLL for (u32 i = 0; i < 4; ++i) {
                if (i < count) to[i] = i8(packed >> (8 * i));
            }
        }
        to += u64(32 / across) * job.n;
    }
}

// The lane that stores an element of a slab of `wide` columns, and the row and half that a lane
// sums. Eight neighbouring lanes read one column of eight rows at a time: different banks.
constexpr u32 storing_lane(u32 wide, u32 row, u32 column) {
    return (row * (wide / 4) + column / 4) % 32;
}

constexpr u32 summed_row(u32 wide, u32 lane) {
    return (wide == 64 ? lane / 16 : lane / 8 % 2) * 8 + lane % 2 * 4 + lane % 8 / 2;
}

constexpr u32 summed_half(u32 wide, u32 lane) {
    return 1 - (wide == 64 ? lane / 8 % 2 : lane / 16);
}

constexpr bool lanes_differ(u32 wide) {
    for (u32 lane = 0; lane < 32; ++lane) {
        for (u32 i = 0; i < wide / 2; ++i) {
            const u32 column = summed_half(wide, lane) * (wide / 2) + i;
            if (storing_lane(wide, summed_row(wide, lane), column) == lane) return false;
        }
    }
    return true;
}

// Adds a slab's part of the row sums: two lanes a row, each half of the columns.
template <bool HIGH, bool TABLE, int WIDE>
DEVICE void sum_slab(const Linear &job, const Columns &columns, const i32 *slab, u64 first_row) {
    static_assert(lanes_differ(WIDE), "no lane evaluates an element that it stored");
    const u32 lane = thread_index() % 32, row = summed_row(WIDE, lane);
    const u32 half = summed_half(WIDE, lane), first = half * (WIDE / 2);
    u64 accumulators = 0, results = 0;
    KEEP_LOOP for (u32 column = first; column < first + WIDE / 2; column += 4) {
        const Words acc = *(const Words *)(slab + row * Slab<WIDE>::STRIDE + column);
        const Words r = *(const Words *)(columns.r + column);
        UNROLL for (u32 i = 0; i < 4; ++i) {
            const i64 weight = i32(r.word[i]);
            const Channel channel = load_channel(columns.channels + column + i);
            const i32 value = result<HIGH, TABLE>(i32(acc.word[i]), channel, columns.table);
            accumulators += u64(weight * i32(acc.word[i]));
            results += u64(weight * value);
        }
    }
    const u32 other_half = WIDE == 64 ? 8 : 16;
    accumulators = add_pairwise(accumulators, other_half);
    results = add_pairwise(results, other_half);
    if (half == 0 && first_row + row < job.m) {
        add_atomic(job.sums + 2 * (first_row + row), accumulators);
        add_atomic(job.sums + 2 * (first_row + row) + 1, results);
    }
}

template <bool HIGH, bool TABLE, int WIDE>
DEVICE void finish_slab(const Linear &job, const Columns &columns, const i32 *slab,
                        u64 first_row) {
    if (first_row >= job.m) return;
    store_slab<HIGH, TABLE, WIDE>(job, columns, slab, first_row);
    if (job.r) sum_slab<HIGH, TABLE, WIDE>(job, columns, slab, first_row);
}

// Finishes a slab that the warp has staged. `high` is what `are_high` says of its columns.
template <int WIDE>
DEVICE void finish_slab(const Linear &job, const Columns &columns, bool high, const i32 *slab,
                        u64 first_row) {
    if (!high) {
        finish_slab<false, true, WIDE>(job, columns, slab, first_row);
    } else if (job.table) {
        finish_slab<true, true, WIDE>(job, columns, slab, first_row);
    } else {
        finish_slab<true, false, WIDE>(job, columns, slab, first_row);
    }
}

// The whole epilogue of a warp that holds SLABS slabs of WIDE columns, `warp_column` columns right
// of the block's first. `stage(i, slab)` puts slab i's accumulators of this lane into memory.
template <int TILE_COLUMNS, int WARPS, int SLABS, int WIDE, class Stage>
DEVICE void finish(const Linear &job, u8 *shared, u64 first_row, u32 block_column,
                   u32 warp_column, const Stage &stage) {
    typedef Epilogue<TILE_COLUMNS, WARPS, WIDE> Layout;
    prepare_epilogue<TILE_COLUMNS, WARPS * 32>(job, shared, block_column);
    i32 *slab = (i32 *)(shared + Layout::SLABS + thread_index() / 32 * Slab<WIDE>::BYTES);
    const Columns columns = {(const i8 *)shared,
                             (const Channel *)(shared + Layout::CHANNELS) + warp_column,
                             (const i32 *)(shared + Layout::R) + warp_column,
                             u64(block_column) + warp_column};
    const bool high = are_high<WIDE>(columns.channels);
    UNROLL for (int i = 0; i < SLABS; ++i) {
        stage(i, slab);
        warp_barrier();
        finish_slab<WIDE>(job, columns, high, slab, first_row + 16 * i);
        warp_barrier();
    }
}

// The same for a warp that holds 16 rows of all the block's columns: its slabs lie side by side.
template <int TILE_COLUMNS, int WARPS, int WIDE, class Stage>
DEVICE void finish_across(const Linear &job, u8 *shared, u64 first_row, u32 block_column,
                          const Stage &stage) {
    typedef Epilogue<TILE_COLUMNS, WARPS, WIDE> Layout;
    prepare_epilogue<TILE_COLUMNS, WARPS * 32>(job, shared, block_column);
    i32 *slab = (i32 *)(shared + Layout::SLABS + thread_index() / 32 * Slab<WIDE>::BYTES);
    UNROLL for (int i = 0; i < TILE_COLUMNS / WIDE; ++i) {
        const u32 slab_column = i * WIDE;
        const Columns columns = {(const i8 *)shared,
                                 (const Channel *)(shared + Layout::CHANNELS) + slab_column,
                                 (const i32 *)(shared + Layout::R) + slab_column,
                                 u64(block_column) + slab_column};
        const bool high = are_high<WIDE>(columns.channels);
        stage(i, slab);
        warp_barrier();
        finish_slab<WIDE>(job, columns, high, slab, first_row);
        warp_barrier();
    }
}
