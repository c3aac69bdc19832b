//! A library with cublasLt's functions, for tests.

use mizan_engine::cuda::measure::LOOKED_FOR;
use mizan_tensor::hash_bytes;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// What it is called: the name that is looked for first, so that no other one of this host is found.
pub(crate) const NAME: &str = LOOKED_FOR[0];

/// Its folder. It is compiled whenever its source has changed.
pub(crate) static GOOD: LazyLock<PathBuf> = LazyLock::new(|| compiled("good", &[]));

/// The folder of one without the function that multiplies.
pub(crate) static LACKING: LazyLock<PathBuf> =
    LazyLock::new(|| compiled("lacking", &["-DLACKS_MATMUL"]));

fn compiled(name: &str, options: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cuda/peer/cublaslt.cpp");
    let content = std::fs::read(&source).unwrap();
    let version = u64::from_le_bytes(hash_bytes(&content)[..8].try_into().unwrap());
    let tests = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = tests.join(format!("cublaslt-{name}-{version:016x}"));
    if !folder.join(NAME).exists() {
        std::fs::create_dir_all(&folder).unwrap();
        // Another process may do the same: whoever is last, all are the same.
        let made = folder.join(format!("made-{}", std::process::id()));
        let status = Command::new("c++")
            .args(["-std=c++17", "-O2", "-shared", "-fPIC"])
            .args(["-fvisibility=hidden", "-Wall", "-Wextra", "-Werror"])
            .args(options)
            .arg("-o")
            .arg(&made)
            .arg(&source)
            .status()
            .expect("a C++ compiler is there, as for building the node");
        assert!(status.success());
        std::fs::rename(made, folder.join(NAME)).unwrap();
    }
    folder
}
