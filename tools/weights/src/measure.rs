//! Running benchmarks and writing what they took.

use crate::{header, weights_folder};
use anyhow::{Context, Result};
use clap::Args;
use frame_benchmarking_cli::PalletCmd;
use sp_runtime::traits::BlakeTwo256;
use std::path::{Path, PathBuf};

mod wasm {
    #![allow(dead_code, unreachable_pub)]
    include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));
}

/// How the weights are measured and where they are written.
#[derive(Args)]
pub(crate) struct Measure {
    /// How many values of each component are measured.
    #[arg(long, default_value_t = 50)]
    pub(crate) steps: u32,
    /// How many times each is measured.
    #[arg(long, default_value_t = 20)]
    pub(crate) repeat: u32,
    /// Only these pallets, separated by commas; the others keep their files.
    #[arg(long, value_delimiter = ',')]
    pub(crate) pallets: Vec<String>,
    /// Where the Rust files are written; the default is the runtime's folder of weights.
    #[arg(long)]
    pub(crate) output: Option<PathBuf>,
}

impl Measure {
    pub(crate) fn run(&self) -> Result<()> {
        let output = self.output.clone().unwrap_or_else(weights_folder);
        let folder = tempfile::tempdir()?;
        let header = folder.path().join("header");
        std::fs::write(&header, header::text(self)?)?;
        let mut arguments = vec![
            format!("--header={}", header.display()),
            format!("--output={}", output.display()),
            concat!(
                "--template=",
                env!("CARGO_MANIFEST_DIR"),
                "/src/template.hbs"
            )
            .to_owned(),
        ];
        arguments.push(match self.pallets.is_empty() {
            true => "--pallets=*".to_owned(),
            false => format!("--pallets={}", self.pallets.join(",")),
        });
        benchmark(self.steps, self.repeat, &arguments)
    }
}

/// Runs benchmarks: those that `selection` names, with every extrinsic unless it says otherwise.
pub(crate) fn benchmark(steps: u32, repeat: u32, selection: &[String]) -> Result<()> {
    let runtime = wasm::WASM_BINARY_PATH
        .filter(|path| Path::new(path).exists())
        .context("the runtime's WASM was not built: build this again without SKIP_WASM_BUILD")?;
    let mut arguments = vec![
        "benchmark".to_owned(),
        format!("--runtime={runtime}"),
        "--genesis-builder=runtime".to_owned(),
        "--genesis-builder-preset=development".to_owned(),
        format!("--steps={steps}"),
        format!("--repeat={repeat}"),
        "--min-duration=0".to_owned(),
        // Blocks of this chain carry no proof of what they read.
        "--disable-proof-recording".to_owned(),
        "--quiet".to_owned(),
    ];
    if !selection.iter().any(|a| a.starts_with("--extrinsic")) {
        arguments.push("--extrinsic=*".to_owned());
    }
    arguments.extend_from_slice(selection);
    let command = <PalletCmd as clap::Parser>::try_parse_from(arguments)?;
    command
        .run_with_spec::<BlakeTwo256, ()>(None)
        .map_err(|problem| anyhow::anyhow!("{problem}"))
        .context("the benchmarks did not run")
}
