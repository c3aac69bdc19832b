//! Builds the runtime's WASM next to the native library, with the pinned metadata hash in it.
//!
//! Hardware wallets and other careful signers sign over the hash of the metadata by which they
//! read a transaction. The runtime checks it against the one it was built with. The metadata is
//! known only once the runtime is built, so the hash is a file, which `scripts/update-metadata`
//! writes; the metadata does not depend on it.

/// The file with the hash. The test `pinned_metadata_hash_is_that_of_the_nodes_metadata` says when
/// it is out of date.
#[cfg(feature = "std")]
const FILE: &str = "metadata-hash";

/// The variable in which `frame-metadata-hash-extension` expects the hash when it is compiled.
#[cfg(feature = "std")]
const VARIABLE: &str = "RUNTIME_METADATA_HASH";

#[cfg(feature = "std")]
fn main() {
    println!("cargo:rerun-if-changed={FILE}");
    // Whatever the user's environment has: the hash is part of the sources. Only the WASM build
    // inherits it: the native library is not what a node executes.
    std::env::remove_var(VARIABLE);
    match std::fs::read_to_string(FILE) {
        Ok(text) => std::env::set_var(VARIABLE, pinned(&text)),
        Err(error) => println!(
            "cargo:warning=runtime/{FILE}: {error}; this runtime refuses signers that check the \
             metadata's hash. Run scripts/update-metadata, then build again"
        ),
    }
    substrate_wasm_builder::WasmBuilder::build_using_defaults();
}

/// The hash in the file's text: `0x` and 64 digits.
#[cfg(feature = "std")]
fn pinned(text: &str) -> &str {
    let hash = text.trim();
    let digits = hash.strip_prefix("0x").unwrap_or_default();
    let is_hash = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    assert!(
        is_hash,
        "runtime/{FILE} has {hash:?}, not 0x and 64 digits: delete it and run \
         scripts/update-metadata"
    );
    hash
}

// The WASM build compiles this script too and has nothing to build.
#[cfg(not(feature = "std"))]
fn main() {}
