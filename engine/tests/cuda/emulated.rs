//! The emulated driver, for tests of this crate and of those that use it.

use mizan_tensor::hash_bytes;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// The folder of the emulated driver, which is compiled whenever its sources have changed.
pub(crate) static DRIVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let engine = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../engine"));
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

/// What runs kernels, without what tests them.
const EMULATOR: [&str; 4] = ["fibres.cpp", "kernels.cpp", "sharing.cpp", "wgmma.cpp"];

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
        .args(EMULATOR.map(|source| emulator.join(source)))
        .args(["-x", "c++"])
        .args(kernels)
        .status()
        .expect("a C++ compiler is there, as for building the node");
    assert!(status.success());
}
