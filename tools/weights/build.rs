//! Builds the runtime's WASM with its benchmarks.

use substrate_wasm_builder::WasmBuilder;

fn main() {
    let runtime = concat!(env!("CARGO_MANIFEST_DIR"), "/../../runtime/Cargo.toml");
    // The builder looks for the project by its path, in which there may be no dots.
    let project = std::fs::canonicalize(runtime).map_err(|problem| problem.to_string());
    let builder = project.and_then(|path| {
        let builder = WasmBuilder::new().with_project(path);
        builder.map_err(str::to_owned)
    });
    match builder {
        Ok(builder) => builder
            .enable_feature("runtime-benchmarks")
            .import_memory()
            .export_heap_base()
            .build(),
        Err(problem) => {
            eprintln!("{runtime}: {problem}");
            std::process::exit(1);
        }
    }
}
