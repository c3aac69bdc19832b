//! Builds the runtime's WASM next to the native library.

#[cfg(all(feature = "std", feature = "metadata-hash"))]
fn main() {
    substrate_wasm_builder::WasmBuilder::init_with_defaults()
        .enable_metadata_hash("MZN", 12)
        .build();
}

#[cfg(all(feature = "std", not(feature = "metadata-hash")))]
fn main() {
    substrate_wasm_builder::WasmBuilder::build_using_defaults();
}

// The WASM build compiles this script too and has nothing to build.
#[cfg(not(feature = "std"))]
fn main() {}
