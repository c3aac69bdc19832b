// The driver itself and its devices. A part of driver.cpp.
#pragma once

#include <cstdio>
#include <cstring>

#include "calls.hpp"

API cuDriverGetVersion(int *version) {
    static bool read = (read_settings(), true);
    (void)read;
    *version = int(settings.version);
    return SUCCESS;
}

API cuInit(unsigned) {
    int version;
    cuDriverGetVersion(&version);
    ENTER(cuInit)
    if (settings.devices == 0) return NO_DEVICE;
    initialised = true;
    return SUCCESS;
}

API cuDeviceGetCount(int *count) {
    ENTER(cuDeviceGetCount)
    if (!initialised) return NOT_INITIALIZED;
    *count = int(settings.devices);
    return SUCCESS;
}

API cuDeviceGet(int *device, int ordinal) {
    ENTER(cuDeviceGet)
    if (!initialised) return NOT_INITIALIZED;
    if (ordinal < 0 || ordinal >= settings.devices) return INVALID_DEVICE;
    *device = ordinal;
    return SUCCESS;
}

API cuDeviceGetName(char *name, int length, int device) {
    ENTER(cuDeviceGetName)
    std::snprintf(name, size_t(length), "Emulated device %d", device);
    return SUCCESS;
}

API cuDeviceGetUuid(void *uuid, int device) {
    ENTER(cuDeviceGetUuid)
    std::memset(uuid, device + 1, 16);
    return SUCCESS;
}

API cuDeviceGetAttribute(int *value, int attribute, int) {
    ENTER(cuDeviceGetAttribute)
    switch (attribute) {
        case 13: *value = int(settings.clock); break;
        case 16: *value = 2; break;
        case 75: *value = int(settings.capability / 10); break;
        case 76: *value = int(settings.capability % 10); break;
        default: return INVALID_VALUE;
    }
    return SUCCESS;
}

API cuDeviceTotalMem_v2(size_t *bytes, int) {
    ENTER(cuDeviceTotalMem_v2)
    *bytes = settings.memory;
    return SUCCESS;
}

API cuDevicePrimaryCtxRetain(void **context, int) {
    std::lock_guard<std::recursive_mutex> guard(mutex);
    if (int code = enter("cuDevicePrimaryCtxRetain")) return code;
    static int only;
    *context = &only;
    return SUCCESS;
}

API cuDevicePrimaryCtxRelease_v2(int) { return SUCCESS; }
API cuDevicePrimaryCtxSetFlags_v2(int, unsigned) { return SUCCESS; }

API cuCtxSetCurrent(void *context) {
    ENTER(cuCtxSetCurrent)
    current = context;
    return SUCCESS;
}
