//! What starts devices' processes in tests.

// Other crates have it without the rest.
#[path = "emulated.rs"]
mod emulated;

use emulated::DRIVER;
use mizan_engine::cuda::{ChildCommand, CudaExecutor, CudaSettings, DeviceError};
use std::{ffi::OsString, path::PathBuf, time::Duration};

const CHILD: &str = env!("CARGO_BIN_EXE_mizan-test-cuda-child");

/// A process that behaves in that way, without any driver.
pub(crate) fn child(behaviour: &str) -> CudaSettings {
    let command = ChildCommand {
        program: PathBuf::from(CHILD),
        arguments: vec![behaviour.into()],
        environment: vec![("LD_LIBRARY_PATH".into(), OsString::new())],
    };
    CudaSettings {
        start_limit: Duration::from_secs(100),
        answer_limit: Duration::from_secs(100),
        slot_bytes: 4 << 20,
        // What the processor emulates takes long; what tests trials asks for them.
        least_tried_macs: u64::MAX,
        rest: Duration::from_millis(300),
        ..CudaSettings::new(command)
    }
}

/// The driver of this machine, if it has one. `scripts/test-gpu` takes the process elsewhere.
pub(crate) fn hardware() -> CudaSettings {
    let mut settings = child("serve");
    settings.least_tried_macs = CudaSettings::new(settings.command.clone()).least_tried_macs;
    settings.command.environment.clear();
    if let Some(program) = std::env::var_os("MIZAN_TEST_CUDA_CHILD") {
        settings.command.program = program.into();
    }
    settings
}

/// The emulated driver, with what `engine/tests/cuda/driver/driver.cpp` says about `behaviour`.
pub(crate) fn driver(behaviour: &str) -> CudaSettings {
    let mut settings = child("serve");
    settings.command.environment = vec![
        ("LD_LIBRARY_PATH".into(), DRIVER.as_os_str().into()),
        ("MIZAN_TEST_DRIVER".into(), behaviour.into()),
    ];
    settings
}

/// A started executor on that driver.
pub(crate) fn started(settings: CudaSettings) -> CudaExecutor {
    CudaExecutor::start(settings).unwrap()
}

/// Why no executor starts.
pub(crate) fn refused(settings: CudaSettings) -> DeviceError {
    CudaExecutor::start(settings).unwrap_err()
}
