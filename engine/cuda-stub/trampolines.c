/*
 * The CUDA driver, looked for when it is first needed.
 *
 * A binary that links libcuda.so.1 does not start on a host without an NVIDIA
 * driver. This file defines the driver's functions itself; each opens the
 * driver's library on first use and calls the function of the same name there.
 * Without a driver they say that there is no device.
 *
 * Drivers are newer than the binding crates. A code that the bindings do not
 * know would be an undefined value of a Rust enum, so such codes become "unknown
 * error" here. What the driver really said is remembered for whoever asks.
 *
 * Functions that the bindings refer to but that the engine never calls are only
 * names for the linker: they say that they are not supported.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

enum {
    NO_DEVICE = 100,
    NOT_FOUND = 500,
    NOT_SUPPORTED = 801,
    UNKNOWN = 999,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void *library;
static char reason[512];

static void open_driver(void)
{
    library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        const char *text = dlerror();
        snprintf(reason, sizeof reason, "%s", text != NULL ? text : "no reason given");
    }
}

/* Why there is no driver, in the loader's words; NULL if there is one. */
const char *mizan_cuda_driver_missing(void)
{
    pthread_once(&once, open_driver);
    return library == NULL ? reason : NULL;
}

/* The driver's function of that name, remembered in `place`; NULL if it has none. */
static void *look_up(_Atomic(void *) *place, const char *name)
{
    void *found = atomic_load_explicit(place, memory_order_acquire);
    if (found == NULL && mizan_cuda_driver_missing() == NULL) {
        found = dlsym(library, name);
        atomic_store_explicit(place, found, memory_order_release);
    }
    return found;
}

struct range {
    int first, last;
};

/* The codes of cust_raw's `cudaError_enum`, which ends with CUDA 11.4. */
static const struct range KNOWN[] = {
    {0, 8},     {34, 34},   {100, 102}, {200, 202}, {205, 224}, {300, 304}, {400, 401},
    {500, 500}, {600, 600}, {700, 705}, {708, 720}, {800, 809}, {900, 911},
};

static int known(int code)
{
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        if (code >= KNOWN[i].first && code <= KNOWN[i].last)
            return code;
    }
    return UNKNOWN;
}

/* The last code other than success that the driver gave to this thread. */
static _Thread_local int last_error;

int mizan_cuda_last_error(void)
{
    return last_error;
}

/* What the bindings get for a code of the driver. */
static int answer(int code)
{
    if (code != 0)
        last_error = code;
    return known(code);
}

static int missing(void)
{
    return mizan_cuda_driver_missing() != NULL ? NO_DEVICE : NOT_FOUND;
}

#define FORWARD(name, parameters, arguments)                                   \
    int name parameters                                                        \
    {                                                                          \
        static _Atomic(void *) place;                                          \
        int(*of_driver) parameters;                                            \
        *(void **)&of_driver = look_up(&place, #name);                         \
        return of_driver == NULL ? missing() : answer(of_driver arguments);    \
    }

#define NEVER_CALLED(name)                                                     \
    int name(void)                                                             \
    {                                                                          \
        return NOT_SUPPORTED;                                                  \
    }

typedef unsigned int u32;
typedef unsigned long long address;
typedef void *handle;

FORWARD(cuInit, (u32 flags), (flags))
FORWARD(cuDriverGetVersion, (int *version), (version))

FORWARD(cuDeviceGetCount, (int *count), (count))
FORWARD(cuDeviceGet, (int *device, int ordinal), (device, ordinal))
FORWARD(cuDeviceGetName, (char *name, int length, int device), (name, length, device))
FORWARD(cuDeviceGetUuid, (void *uuid, int device), (uuid, device))
FORWARD(cuDeviceGetAttribute, (int *value, int attribute, int device), (value, attribute, device))
FORWARD(cuDeviceTotalMem_v2, (size_t *bytes, int device), (bytes, device))
FORWARD(cuDevicePrimaryCtxRetain, (handle *context, int device), (context, device))
FORWARD(cuDevicePrimaryCtxRelease_v2, (int device), (device))
FORWARD(cuDevicePrimaryCtxSetFlags_v2, (int device, u32 flags), (device, flags))

FORWARD(cuCtxGetCurrent, (handle *context), (context))
FORWARD(cuCtxSetCurrent, (handle context), (context))
FORWARD(cuCtxSynchronize, (void), ())

FORWARD(cuModuleLoadDataEx,
        (handle *module, const void *image, u32 count, int *options, void **values),
        (module, image, count, options, values))
FORWARD(cuModuleGetFunction, (handle *function, handle module, const char *name),
        (function, module, name))
FORWARD(cuModuleUnload, (handle module), (module))
FORWARD(cuFuncGetAttribute, (int *value, int attribute, handle function),
        (value, attribute, function))
FORWARD(cuFuncSetAttribute, (handle function, int attribute, int value),
        (function, attribute, value))
FORWARD(cuLaunchKernel,
        (handle function, u32 grid_x, u32 grid_y, u32 grid_z, u32 block_x, u32 block_y,
         u32 block_z, u32 shared_bytes, handle stream, void **arguments, void **extra),
        (function, grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes, stream,
         arguments, extra))

FORWARD(cuMemGetInfo_v2, (size_t *free, size_t *total), (free, total))
FORWARD(cuMemAlloc_v2, (address *pointer, size_t bytes), (pointer, bytes))
FORWARD(cuMemFree_v2, (address pointer), (pointer))
FORWARD(cuMemAllocHost_v2, (void **pointer, size_t bytes), (pointer, bytes))
FORWARD(cuMemFreeHost, (void *pointer), (pointer))
FORWARD(cuMemHostRegister_v2, (void *pointer, size_t bytes, u32 flags), (pointer, bytes, flags))
FORWARD(cuMemHostUnregister, (void *pointer), (pointer))
FORWARD(cuMemcpyHtoD_v2, (address to, const void *from, size_t bytes), (to, from, bytes))
FORWARD(cuMemcpyDtoH_v2, (void *to, address from, size_t bytes), (to, from, bytes))
FORWARD(cuMemcpyDtoD_v2, (address to, address from, size_t bytes), (to, from, bytes))
FORWARD(cuMemcpyHtoDAsync_v2, (address to, const void *from, size_t bytes, handle stream),
        (to, from, bytes, stream))
FORWARD(cuMemcpyDtoHAsync_v2, (void *to, address from, size_t bytes, handle stream),
        (to, from, bytes, stream))
FORWARD(cuMemcpyDtoDAsync_v2, (address to, address from, size_t bytes, handle stream),
        (to, from, bytes, stream))
FORWARD(cuMemsetD8_v2, (address to, unsigned char value, size_t bytes), (to, value, bytes))
FORWARD(cuMemsetD8Async, (address to, unsigned char value, size_t bytes, handle stream),
        (to, value, bytes, stream))

FORWARD(cuStreamCreateWithPriority, (handle *stream, u32 flags, int priority),
        (stream, flags, priority))
FORWARD(cuStreamDestroy_v2, (handle stream), (stream))
FORWARD(cuStreamSynchronize, (handle stream), (stream))
FORWARD(cuStreamWaitEvent, (handle stream, handle event, u32 flags), (stream, event, flags))
FORWARD(cuEventCreate, (handle *event, u32 flags), (event, flags))
FORWARD(cuEventDestroy_v2, (handle event), (event))
FORWARD(cuEventRecord, (handle event, handle stream), (event, stream))
FORWARD(cuEventQuery, (handle event), (event))
FORWARD(cuEventSynchronize, (handle event), (event))
FORWARD(cuEventElapsedTime, (float *milliseconds, handle start, handle end),
        (milliseconds, start, end))

FORWARD(cuGetErrorName, (int code, const char **text), (code, text))
FORWARD(cuGetErrorString, (int code, const char **text), (code, text))

/* The driver's name for a code, known to the bindings or not; NULL if it has none. */
const char *mizan_cuda_error_name(int code)
{
    int before = last_error;
    const char *name = NULL;
    int found = cuGetErrorName(code, &name);
    last_error = before;
    return found == 0 ? name : NULL;
}

NEVER_CALLED(cuArray3DCreate_v2)
NEVER_CALLED(cuArray3DGetDescriptor_v2)
NEVER_CALLED(cuArrayDestroy)
NEVER_CALLED(cuCtxCreate_v2)
NEVER_CALLED(cuCtxDestroy_v2)
NEVER_CALLED(cuCtxGetApiVersion)
NEVER_CALLED(cuCtxGetCacheConfig)
NEVER_CALLED(cuCtxGetDevice)
NEVER_CALLED(cuCtxGetFlags)
NEVER_CALLED(cuCtxGetLimit)
NEVER_CALLED(cuCtxGetSharedMemConfig)
NEVER_CALLED(cuCtxGetStreamPriorityRange)
NEVER_CALLED(cuCtxPopCurrent_v2)
NEVER_CALLED(cuCtxPushCurrent_v2)
NEVER_CALLED(cuCtxSetCacheConfig)
NEVER_CALLED(cuCtxSetLimit)
NEVER_CALLED(cuCtxSetSharedMemConfig)
NEVER_CALLED(cuDestroyExternalMemory)
NEVER_CALLED(cuDevicePrimaryCtxReset_v2)
NEVER_CALLED(cuExternalMemoryGetMappedBuffer)
NEVER_CALLED(cuFuncSetCacheConfig)
NEVER_CALLED(cuFuncSetSharedMemConfig)
NEVER_CALLED(cuGraphAddKernelNode)
NEVER_CALLED(cuGraphCreate)
NEVER_CALLED(cuGraphDebugDotPrint)
NEVER_CALLED(cuGraphDestroy)
NEVER_CALLED(cuGraphGetEdges)
NEVER_CALLED(cuGraphGetNodes)
NEVER_CALLED(cuGraphKernelNodeGetParams)
NEVER_CALLED(cuGraphNodeGetType)
NEVER_CALLED(cuImportExternalMemory)
NEVER_CALLED(cuLaunchHostFunc)
NEVER_CALLED(cuLinkAddData_v2)
NEVER_CALLED(cuLinkComplete)
NEVER_CALLED(cuLinkCreate_v2)
NEVER_CALLED(cuLinkDestroy)
NEVER_CALLED(cuMemAdvise)
NEVER_CALLED(cuMemAllocAsync)
NEVER_CALLED(cuMemAllocManaged)
NEVER_CALLED(cuMemFreeAsync)
NEVER_CALLED(cuMemPrefetchAsync)
NEVER_CALLED(cuMemcpy2D_v2)
NEVER_CALLED(cuMemcpyAtoH_v2)
NEVER_CALLED(cuMemcpyHtoA_v2)
NEVER_CALLED(cuMemsetD16Async)
NEVER_CALLED(cuMemsetD16_v2)
NEVER_CALLED(cuMemsetD32Async)
NEVER_CALLED(cuMemsetD32_v2)
NEVER_CALLED(cuModuleGetGlobal_v2)
NEVER_CALLED(cuModuleLoad)
NEVER_CALLED(cuModuleLoadData)
NEVER_CALLED(cuOccupancyAvailableDynamicSMemPerBlock)
NEVER_CALLED(cuOccupancyMaxActiveBlocksPerMultiprocessor)
NEVER_CALLED(cuOccupancyMaxPotentialBlockSize)
NEVER_CALLED(cuStreamGetFlags)
NEVER_CALLED(cuStreamGetPriority)
NEVER_CALLED(cuSurfObjectCreate)
NEVER_CALLED(cuSurfObjectDestroy)
NEVER_CALLED(cuSurfObjectGetResourceDesc)
NEVER_CALLED(cuTexObjectCreate)
NEVER_CALLED(cuTexObjectDestroy)
NEVER_CALLED(cuTexObjectGetResourceDesc)
NEVER_CALLED(cuTexObjectGetResourceViewDesc)
