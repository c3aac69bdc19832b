// The linear operation with mma.sync.m16n8k32 and asynchronous copies, for sm_80 and later.
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
// linear_dp4a_128x128    256       ceil(m / 128) * ceil(n / 128)     36,096
//
// ENTRY                           threads   blocks                            dynamic shared memory
// linear_mma_m16n8k32_128x256     256       ceil(m / 128) * ceil(n / 256)     98,304
// linear_mma_m16n8k32_128x128     128       ceil(m / 128) * ceil(n / 128)     49,152
// linear_mma_m16n8k32_64x64       128       ceil(m / 64) * ceil(n / 64)       32,768
//
// Grids and blocks have one dimension. More than 49,152 bytes of dynamic shared memory must be
// asked for (CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES). The largest tile is the fastest
// where its blocks fill the device.
