//! Hosts without a device, or with one that is of no use.

use crate::fixture::{child, driver, refused};
use mizan_engine::cuda::{CudaExecutor, CudaSettings, DeviceError, KernelFamily};

#[test]
fn a_host_without_a_driver_is_told_so_by_a_program_that_starts() {
    // Where there is a driver, this is about the one that cannot be found.
    if CudaExecutor::list(&child("serve")).is_ok() {
        return;
    }
    let DeviceError::DriverMissing(reason) = refused(child("serve")) else {
        panic!("the driver is not missing");
    };
    assert!(reason.contains("libcuda.so.1"), "{reason}");
}

#[test]
fn a_driver_without_devices_has_none() {
    assert_eq!(refused(driver("devices=0")), DeviceError::NoDevice);
}

#[test]
fn a_device_that_does_not_exist_is_not_there() {
    let settings = CudaSettings {
        devices: vec![5],
        ..driver("devices=2")
    };
    assert_eq!(refused(settings), DeviceError::NoDevice);
}

#[test]
fn a_driver_before_cuda_11_is_too_old() {
    let too_old = DeviceError::DriverTooOld {
        found: 10_020,
        needed: 11_000,
    };
    assert_eq!(refused(driver("version=10020")), too_old);
}

#[test]
fn a_device_before_dp4a_is_not_supported() {
    let unsupported = DeviceError::UnsupportedDevice { major: 6, minor: 0 };
    assert_eq!(refused(driver("capability=60")), unsupported);
}

#[test]
fn kernels_that_the_device_lacks_are_not_forced_upon_it() {
    let settings = CudaSettings {
        family: Some(KernelFamily::Mma16x8x32),
        ..driver("capability=75")
    };
    let unsupported = DeviceError::UnsupportedDevice { major: 7, minor: 5 };
    assert_eq!(refused(settings), unsupported);
}

#[test]
fn kernels_that_the_driver_does_not_take_are_named() {
    let error = refused(driver("fail=cuModuleLoadDataEx:4:218"));
    let expected = DeviceError::BadKernel("check: CUDA_ERROR_INVALID_PTX (218)".into());
    assert_eq!(error, expected);
}

#[test]
fn a_device_full_of_other_work_has_no_memory() {
    let error = refused(driver("fail=cuDevicePrimaryCtxRetain:0:2"));
    assert!(matches!(error, DeviceError::OutOfMemory { .. }), "{error}");
}

#[test]
fn what_only_newer_drivers_say_is_told_in_their_own_words() {
    // 46: another process has the device for itself. The bindings know no such code.
    let error = refused(driver("fail=cuDevicePrimaryCtxRetain:0:46"));
    let expected = DeviceError::DeviceLost("CUDA_ERROR_DEVICE_UNAVAILABLE (46)".into());
    assert_eq!(error, expected);
    let error = refused(driver("fail=cuStreamCreateWithPriority:0:12345"));
    let expected = DeviceError::DeviceLost("UnknownError (12345)".into());
    assert_eq!(error, expected);
}

#[test]
fn devices_are_listed_without_using_them() {
    let settings =
        driver("devices=2,capability=86,memory=123456789,fail=cuDevicePrimaryCtxRetain:0:2");
    let devices = CudaExecutor::list(&settings).unwrap();
    assert_eq!(devices.len(), 2);
    assert_eq!(devices[1].name, "Emulated device 1");
    assert_eq!(devices[1].uuid, [2; 16]);
    assert_eq!(devices[1].capability, (8, 6));
    assert_eq!(devices[1].memory_bytes, 123_456_789);
    assert_eq!(devices[1].driver, 12_040);
}
