// BLAKE3 of a device buffer, plain or keyed, for sm_61 and later.
//
//   void blake3_chunks(const u8 *bytes, u64 length, u64 first, const u32 *key, u32 *nodes,
//                      u32 root)
//   void blake3_tree(const u32 *nodes, u64 count, const u32 *key, u32 *parents, u32 root)
//
// A node is the 8 little-endian words of a chaining value: 32 bytes, aligned to 16.
// key is null for the plain hash, or 8 words aligned to 4 for the keyed one.
//
// blake3_chunks makes the nodes of the chunks[i] = bytes[1024 * i ..], of which the last may be
// shorter; a blob of no bytes has one chunk, which is empty. chunks = max(1, ceil(length / 1024)).
//   bytes     any alignment; fast where aligned to 16
//   first     index in the blob of the first of these chunks
//   nodes     [chunks, 8]
//   root      nonzero where the blob has this one chunk only: the node is then its hash
//   128 threads a block, ceil(chunks / 128) blocks
//
// blake3_tree joins each group of 1,024 neighbouring nodes (or fewer, at the right edge) to one.
//   nodes     [count, 8], count >= 1
//   parents   [ceil(count / 1024), 8]; does not overlap nodes
//   root      nonzero where these are all nodes of a blob and count <= 1024: the one parent is
//             then the blob's hash. A lone node is only copied: that of a blob of one chunk must
//             have been made with root already
//   256 threads a block, ceil(count / 1024) blocks
//
// No dynamic shared memory. The hash of a blob takes one launch of blake3_chunks, with
// root = (chunks == 1), and launches of blake3_tree on what the one before made, with
// root = (count <= 1024), until one node is left: that is the hash, nothing is left to the host.
// The first launch of blake3_tree makes the hashes of the 1 MiB subtrees (of those left at the
// right edge, too), which suffice to serve any part of the blob later.

#include "device.cuh"

// The flags and constants of the BLAKE3 paper, sections 2.1 to 2.3.
static const u32 CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8, KEYED_HASH = 16;
static constexpr u32 INITIAL[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
static constexpr int ORDER[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
static constexpr int QUARTERS[8][4] = {{0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14},
                                       {3, 7, 11, 15}, {0, 5, 10, 15}, {1, 6, 11, 12},
                                       {2, 7, 8, 13},  {3, 4, 9, 14}};

DEVICE void mix(u32 &a, u32 &b, u32 &c, u32 &d, u32 x, u32 y) {
    a += b + x;
    d = rotate_right(d ^ a, 16);
    c += d;
    b = rotate_right(b ^ c, 12);
    a += b + y;
    d = rotate_right(d ^ a, 8);
    c += d;
    b = rotate_right(b ^ c, 7);
}

// The compression function, cut to the 8 words that a node has. Overwrites `block`.
DEVICE void compress(u32 (&node)[8], u32 (&block)[16], u64 counter, u32 length, u32 flags) {
    u32 state[16];
    UNROLL for (int i = 0; i < 8; ++i) state[i] = node[i];
    UNROLL for (int i = 0; i < 4; ++i) state[8 + i] = INITIAL[i];
    state[12] = u32(counter);
    state[13] = u32(counter >> 32);
    state[14] = length;
    state[15] = flags;
    UNROLL for (int round = 0; round < 7; ++round) {
        UNROLL for (int i = 0; i < 8; ++i) {
            mix(state[QUARTERS[i][0]], state[QUARTERS[i][1]], state[QUARTERS[i][2]],
                state[QUARTERS[i][3]], block[2 * i], block[2 * i + 1]);
        }
        u32 ordered[16];
        UNROLL for (int i = 0; i < 16; ++i) ordered[i] = block[ORDER[i]];
        UNROLL for (int i = 0; i < 16; ++i) block[i] = ordered[i];
    }
    UNROLL for (int i = 0; i < 8; ++i) node[i] = state[i] ^ state[8 + i];
}

DEVICE void start(u32 (&node)[8], const u32 *key) {
    UNROLL for (int i = 0; i < 8; ++i) node[i] = key ? key[i] : INITIAL[i];
}

DEVICE void store(u32 *to, const u32 (&node)[8]) {
    ((Words *)to)[0] = {{node[0], node[1], node[2], node[3]}};
    ((Words *)to)[1] = {{node[4], node[5], node[6], node[7]}};
}

// 64 bytes of the input, or the `count` that exist and zeros.
DEVICE void load_block(u32 (&block)[16], const u8 *from, u32 count) {
    const bool fast = count == 64 && (u64(from) & 15) == 0;
    UNROLL for (u32 i = 0; i < 4; ++i) {
        const u32 left = count < 16 * i ? 0 : count - 16 * i;
        const Words words = fast ? ((const Words *)from)[i]
                                 : load_any((const i8 *)from + (left ? 16 * i : 0), left);
        UNROLL for (u32 j = 0; j < 4; ++j) block[4 * i + j] = words.word[j];
    }
}

KERNEL(128, 4)
blake3_chunks(const u8 *bytes, u64 length, u64 first, const u32 *key, u32 *nodes, u32 root) {
    const u64 chunk = u64(block_index()) * 128 + thread_index();
    if (chunk > 0 && chunk * 1024 >= length) return;
    const u64 behind = length - chunk * 1024;
    const u32 size = behind < 1024 ? u32(behind) : 1024, last = size == 0 ? 0 : (size - 1) / 64;
    const u32 mode = key ? KEYED_HASH : 0;
    u32 node[8];
    start(node, key);
    KEEP_LOOP for (u32 i = 0; i <= last; ++i) {
        const u32 left = size - 64 * i, count = left < 64 ? left : 64;
        u32 block[16];
        load_block(block, bytes + chunk * 1024 + 64 * i, count);
        const u32 end = i == last ? CHUNK_END | (root ? ROOT : 0) : 0;
        compress(node, block, first + chunk, count, mode | (i == 0 ? CHUNK_START : 0) | end);
    }
    store(nodes + 8 * chunk, node);
}

// The parent of node `pair` * 2 and its neighbour, or the node where it has none.
DEVICE void join(u32 (&node)[8], const u32 *nodes, u32 pair, u32 count, const u32 *key, u32 flags) {
    const Words *from = (const Words *)(nodes + u64(pair) * 16);
    u32 block[16];
    const bool whole = 2 * pair + 1 < count;
    UNROLL for (u32 i = 0; i < 4; ++i) {
        const Words words = from[whole ? i : i % 2];
        UNROLL for (u32 j = 0; j < 4; ++j) block[4 * i + j] = words.word[j];
    }
    if (whole) {
        start(node, key);
        compress(node, block, 0, 64, flags);
    } else {
        UNROLL for (int i = 0; i < 8; ++i) node[i] = block[i];
    }
}

SHARED u32 level[512 * 8];

KERNEL(256, 2)
blake3_tree(const u32 *nodes, u64 count, const u32 *key, u32 *parents, u32 root) {
    const u64 first = u64(block_index()) * 1024;
    const u32 thread = thread_index(), mode = PARENT | (key ? KEYED_HASH : 0);
    u32 left = count - first < 1024 ? u32(count - first) : 1024;
    u32 node[8];
    KEEP_LOOP for (u32 pair = thread; 2 * pair < left; pair += 256) {
        join(node, nodes + first * 8, pair, left, key, mode | (root && left == 2 ? ROOT : 0));
        store(level + 8 * pair, node);
    }
    barrier();
    KEEP_LOOP for (left = (left + 1) / 2; left > 1; left = (left + 1) / 2) {
        const bool works = 2 * thread < left;
        if (works) join(node, level, thread, left, key, mode | (root && left == 2 ? ROOT : 0));
        barrier();
        if (works) store(level + 8 * thread, node);
        barrier();
    }
    if (thread < 8) parents[u64(block_index()) * 8 + thread] = level[thread];
}
