// Checks of results by row checksums and second evaluation, for sm_61 and later.
//
//   void check_weights(const i8 *w, const i32 *r, u64 *u, u32 n, u32 k)
//   void check_linear(const i8 *x, const i8 *y, const u64 *u, const i32 *r, const u64 *sums,
//                     u32 *faults, u64 m, u32 n, u32 k)
//   void check_add(const i8 *a, const i8 *b, const i8 *table, const i8 *y, u64 count,
//                  i32 ma, i32 mb, u32 shift, u32 *faults)
//
// Tensors have the shapes and alignments of the checked operation; u and sums are aligned to 8, r
// and faults to 4. faults is a counter, zero before the first check; each check adds to it, and
// what is not zero at the end is a fault. No dynamic shared memory.
//
// check_weights: u[l] += sum over j of r[j] * w[j, l]. u is k words, zero before the launch. Once
//   for each weight tensor and r, best when the weights have just been loaded and hashed: weights
//   that change later are then noticed. 256 threads, ceil(k / 256) * ceil(n / 1024) blocks.
// check_linear: adds the number of rows i with sum of x[i, l] * u[l] != sums[2 * i] or
//   sum of r[j] * y[i, j] != sums[2 * i + 1]. 256 threads, ceil(m / 32) blocks.
// check_add: adds the number of elements that a second evaluation, in other lanes than the first,
//   finds different. 256 threads, any number of blocks (see add.cu).
