// The linear operation with dp4a, for sm_61 and later.
//
//   y[i, j] = table[requantise(sum over l of x[i, l] * w[j, l], channels[j])]
//
// exactly as the program format defines it, for every m, n >= 1, 1 <= k <= 65,536 and all bytes.
//
//   void ENTRY(const i8 *x, const i8 *w, const void *channels, const i8 *table, i8 *y,
//              u64 m, u32 n, u32 k, const i32 *r, u64 *sums)
//
// x         [m, k], any alignment
// w         [n, k], any alignment. Fast where x and w are aligned to 16 bytes and k % 16 == 0;
//           otherwise correct, and slower
// channels  n records of 16 bytes, aligned to 16
// table     256 bytes indexed by the result's byte, any alignment; null for none
// y         [m, n], any alignment; overlaps nothing that is read
// r         null, or n numbers from 1 to 2^31 - 1: then the kernel works in checked mode
// sums      in checked mode 2 * m words, zero before the launch, to which it adds what check.cu
//           compares: sums[2 * i] += sum of r[j] * accumulator[i, j], sums[2 * i + 1] += sum of
//           r[j] * y[i, j] with y evaluated a second time in other lanes. Ignored without r
//
// ENTRY                  threads   blocks                            dynamic shared memory
// linear_dp4a_128x128    256       ceil(m / 128) * ceil(n / 128)     37,632
// linear_dp4a_rows       128       ceil(m / 4) * ceil(n / 16)        0
//
// Grids and blocks have one dimension. linear_dp4a_rows is for few rows (m <= 16): it reads the
// weights once for every four rows and is bound by memory.
