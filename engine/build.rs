//! Compiles the trampolines through which the engine finds a CUDA driver at run time.

use std::{env, path::Path};

const STUB: &str = "cuda-stub";

fn main() {
    let of_linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if of_linux && env::var_os("CARGO_FEATURE_CUDA").is_some() {
        check_library_path();
        compile();
    }
    println!("cargo:rerun-if-changed=build.rs");
}

/// The bindings link the first libcuda that they find. One that is not ours would make a binary
/// that does not start without a driver, so it must not come to that.
fn check_library_path() {
    println!("cargo:rerun-if-env-changed=CUDA_LIBRARY_PATH");
    // Not the folder in which this script was compiled: a target directory may serve several clones.
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR; qed");
    let ours = Path::new(&folder).join(STUB);
    let first = env::var("CUDA_LIBRARY_PATH").unwrap_or_default();
    let first = first.split(':').next().unwrap_or_default();
    let same = matches!(
        (ours.canonicalize(), Path::new(first).canonicalize()),
        (Ok(ours), Ok(first)) if ours == first
    );
    assert!(
        same,
        "CUDA_LIBRARY_PATH must be {ours}, as this repository's .cargo/config.toml sets it, but \
         is \"{first}\": build from a folder of the repository, or set it, or build mizan-engine \
         without its feature \"cuda\"",
        ours = ours.display(),
    );
}

#[cfg(feature = "cuda")]
fn compile() {
    let source = Path::new(STUB).join("trampolines.c");
    println!("cargo:rerun-if-changed={}", source.display());
    println!("cargo:rerun-if-changed={STUB}/lib64/libcuda.so");
    // Linked by name, by the linker script, after everything that refers to it.
    cc::Build::new()
        .file(source)
        .std("c11")
        .cargo_metadata(false)
        .compile("mizan_cuda_driver");
    let folder = env::var("OUT_DIR").expect("cargo sets OUT_DIR; qed");
    println!("cargo:rustc-link-search=native={folder}");
}

#[cfg(not(feature = "cuda"))]
fn compile() {}
