//! What starts devices' processes in tests.

use mizan_engine::cuda::{ChildCommand, CudaExecutor, CudaSettings, DeviceError};
use mizan_tensor::hash_bytes;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::Duration,
};

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
        rest: Duration::from_millis(300),
        ..CudaSettings::new(command)
    }
}

/// The driver of this machine, if it has one.
pub(crate) fn hardware() -> CudaSettings {
    let mut settings = child("serve");
    settings.command.environment.clear();
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

/// The folder of the emulated driver, which is compiled whenever its sources have changed.
static DRIVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        engine.join("kernels"),
        engine.join("kernels/emulator"),
        engine.join("tests/cuda/driver"),
    ];
    let mut sources: Vec<_> = folders.iter().flat_map(|folder| files(folder)).collect();
    sources.sort();
    let mut contents = Vec::new();
    for source in &sources {
        contents.extend(std::fs::read(source).unwrap());
    }
    let version = u64::from_le_bytes(hash_bytes(&contents)[..8].try_into().unwrap());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("driver-{version:016x}"));
    let library = folder.join("libcuda.so.1");
    if !library.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        // Another test may do the same: whoever is last, all are the same.
        let made = folder.join(format!("made-{}", std::process::id()));
        compile(engine, &sources, &made);
        std::fs::rename(made, library).unwrap();
    }
    folder
});

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).collect()
}

fn compile(engine: &Path, sources: &[PathBuf], to: &Path) {
    let emulator = engine.join("kernels/emulator");
    let kernels = sources
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "cu"));
    let status = Command::new("c++")
        .args([
            "-std=c++17",
            "-O2",
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
        ])
        .arg("-I")
        .arg(&emulator)
        .arg("-o")
        .arg(to)
        .arg(engine.join("tests/cuda/driver/driver.cpp"))
        .args([emulator.join("kernels.cpp"), emulator.join("fibres.cpp")])
        .args(["-x", "c++"])
        .args(kernels)
        .status()
        .expect("a C++ compiler is there, as for building the node");
    assert!(status.success());
}
