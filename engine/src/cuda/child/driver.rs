//! The driver: whether there is one, its devices, and what its codes mean.

use crate::cuda::{error::DeviceError, info::DeviceInfo};
use cust::{
    device::{Device, DeviceAttribute},
    error::CudaError,
    sys, CudaApiVersion,
};
use std::{
    ffi::{c_char, CStr},
    fmt, ptr,
};

/// The oldest driver that has the functions which the bindings call and reads the kernels' PTX.
const NEEDED_DRIVER: u32 = 11_000;
const OUT_OF_MEMORY: u32 = 2;
const NO_DEVICE: u32 = 100;
const INVALID_DEVICE: u32 = 101;
const NOT_FOUND: u32 = 500;
const UNKNOWN: u32 = 999;

// Of `cuda-stub/trampolines.c`.
extern "C" {
    fn mizan_cuda_driver_missing() -> *const c_char;
    fn mizan_cuda_last_error() -> i32;
    fn mizan_cuda_error_name(code: i32) -> *const c_char;
}

/// What the driver said of a call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DriverError {
    /// The driver's own code.
    code: u32,
    name: String,
}

impl DriverError {
    /// Of the call that this thread has just made, which the bindings say failed so.
    fn of_last_call(bindings: u32, name: String) -> Self {
        // SAFETY: it takes nothing and reads a number of this thread.
        let last = unsafe { mizan_cuda_last_error() };
        let last_code = u32::try_from(last).unwrap_or(UNKNOWN);
        // Dropping what the failed call left may have made others.
        if bindings != UNKNOWN && bindings != last_code {
            return Self {
                code: bindings,
                name,
            };
        }
        // SAFETY: it takes any number, and gives null or a text that stays.
        let text = unsafe { text(mizan_cuda_error_name(last)) };
        Self {
            code: last_code,
            name: text.unwrap_or(name),
        }
    }

    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.code == OUT_OF_MEMORY
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.name, self.code)
    }
}

impl From<CudaError> for DriverError {
    fn from(error: CudaError) -> Self {
        Self::of_last_call(error as u32, format!("{error:?}"))
    }
}

impl From<DriverError> for DeviceError {
    fn from(error: DriverError) -> Self {
        match error.code {
            OUT_OF_MEMORY => DeviceError::OutOfMemory { bytes: 0 },
            NO_DEVICE | INVALID_DEVICE => DeviceError::NoDevice,
            _ => DeviceError::DeviceLost(error.to_string()),
        }
    }
}

/// The outcome of a call that the bindings do not wrap.
pub(crate) fn check(code: sys::cudaError_enum) -> Result<(), DriverError> {
    match code as u32 {
        0 => Ok(()),
        number => Err(DriverError::of_last_call(number, format!("{code:?}"))),
    }
}

/// A text, if there is one.
///
/// # Safety
/// The pointer must be null, or to a text that ends with a zero and stays.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    // SAFETY: the caller vouches for it.
    let text = (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) });
    text.map(|text| text.to_string_lossy().into_owned())
}

/// Opens the driver and gives the version of CUDA that it supports.
pub(crate) fn initialise() -> Result<u32, DeviceError> {
    // SAFETY: it takes nothing, and gives null or a text that stays.
    if let Some(reason) = unsafe { text(mizan_cuda_driver_missing()) } {
        return Err(DeviceError::DriverMissing(reason));
    }
    let version = CudaApiVersion::get().map_err(DriverError::from)?;
    let version = version.major() * 1_000 + version.minor() * 10;
    let found = u32::try_from(version).unwrap_or_default();
    if found < NEEDED_DRIVER {
        return Err(DeviceError::DriverTooOld {
            found,
            needed: NEEDED_DRIVER,
        });
    }
    // SAFETY: the only flag that there is, is none.
    let initialised = check(unsafe { sys::cuInit(0) });
    initialised.map_err(|error| match error.code {
        NOT_FOUND => DeviceError::DriverTooOld {
            found,
            needed: NEEDED_DRIVER,
        },
        _ => error.into(),
    })?;
    Ok(found)
}

/// All devices.
pub(crate) fn devices(driver: u32) -> Result<Vec<DeviceInfo>, DeviceError> {
    let count = Device::num_devices().map_err(DriverError::from)?;
    if count == 0 {
        return Err(DeviceError::NoDevice);
    }
    let describe = |index| describe(index, driver).map(|(_, info)| info);
    Ok((0..count).map(describe).collect::<Result<_, _>>()?)
}

/// A device by its number.
pub(crate) fn describe(index: u32, driver: u32) -> Result<(Device, DeviceInfo), DriverError> {
    let device = Device::get_device(index)?;
    let mut uuid = sys::CUuuid { bytes: [0; 16] };
    // SAFETY: the pointer is to room for one.
    check(unsafe { sys::cuDeviceGetUuid(ptr::from_mut(&mut uuid), device.as_raw()) })?;
    let attribute = |attribute| {
        let value = device.get_attribute(attribute)?;
        Ok::<_, DriverError>(u32::try_from(value).unwrap_or_default())
    };
    let info = DeviceInfo {
        index,
        uuid: uuid.bytes.map(|byte| byte.to_ne_bytes()[0]),
        name: device.name()?,
        capability: (
            attribute(DeviceAttribute::ComputeCapabilityMajor)?,
            attribute(DeviceAttribute::ComputeCapabilityMinor)?,
        ),
        processors: attribute(DeviceAttribute::MultiprocessorCount)?,
        memory_bytes: device.total_memory()? as u64,
        driver,
        // Only who measures asks for it: a driver that does not say still works.
        clock_khz: attribute(DeviceAttribute::ClockRate).unwrap_or_default(),
    };
    Ok((device, info))
}
