//! The emulated management library, for tests of the worker and of those that start workers.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// The folder of the library of a driver of today.
pub(crate) static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| library("today", &[]));

/// Compiles it whenever its source has changed.
pub(crate) fn library(age: &str, options: &[&str]) -> PathBuf {
    let worker = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../worker"));
    let source = worker.join("tests/devices/nvml.cpp");
    let changed = std::fs::metadata(&source).unwrap().modified().unwrap();
    let changed = changed.duration_since(std::time::UNIX_EPOCH).unwrap();
    let folder = format!("nvml-{age}-{}", changed.as_nanos());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let library = folder.join("libnvidia-ml.so.1");
    if !library.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        // Another test may do the same: whoever is last, all are the same.
        let made = folder.join(format!("made-{}", std::process::id()));
        let status = Command::new("c++")
            .args([
                "-std=c++17",
                "-O1",
                "-shared",
                "-fPIC",
                "-fvisibility=hidden",
            ])
            .args(options)
            .arg("-o")
            .arg(&made)
            .arg(&source)
            .status()
            .expect("a C++ compiler is there, as for building the node");
        assert!(status.success());
        std::fs::rename(made, library).unwrap();
    }
    folder
}
