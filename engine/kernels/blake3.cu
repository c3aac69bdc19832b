// BLAKE3 of a device buffer, plain or keyed, for sm_61 and later.
//
//   void blake3_chunks(const u8 *bytes, u64 length, u64 first, const u32 *key, u32 *nodes, u32 root)
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
