//! Comparing the committed weights with this machine.

use crate::{
    declared::{self, Declared},
    measure, weights_folder,
};
use anyhow::{Context, Result};
use clap::Args;
use frame_benchmarking::{BenchmarkBatchSplitResults, BenchmarkResult};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

/// Most that a benchmark may take at its worst case, in hundredths of its declared time.
const MOST: u128 = 120;
/// Other programs slow a run down, nothing speeds one up: a benchmark fails only if it takes too
/// long in each of so many rounds.
const ROUNDS: u32 = 5;

/// How the committed weights are checked.
#[derive(Args)]
pub(crate) struct Check {
    /// How many times each benchmark runs in a round.
    #[arg(long, default_value_t = 20)]
    repeat: u32,
    /// Where the weights are; the default is the runtime's folder of weights.
    #[arg(long)]
    weights: Option<PathBuf>,
}

/// A benchmark by pallet and name.
type Name = (String, String);

/// Picoseconds at the worst case.
#[derive(Clone, Copy)]
struct Times {
    measured: u128,
    declared: u128,
}

impl Times {
    fn hundredths(self) -> u128 {
        self.measured * 100 / self.declared.max(1)
    }
}

impl Check {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let mut times = self.round("--pallets=*", None)?;
        for _ in 1..ROUNDS {
            for (pallet, names) in too_slow(&times) {
                let extrinsics = format!("--extrinsic={}", names.join(","));
                let again = self.round(&format!("--pallets={pallet}"), Some(extrinsics))?;
                for (name, again) in again {
                    let best = times.entry(name).or_insert(again);
                    best.measured = best.measured.min(again.measured);
                }
            }
        }
        report(&times);
        Ok(match too_slow(&times).is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }

    fn round(&self, pallets: &str, extrinsics: Option<String>) -> Result<BTreeMap<Name, Times>> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("results.json");
        let mut selection = vec![
            pallets.to_owned(),
            format!("--json-file={}", file.display()),
        ];
        selection.extend(extrinsics);
        // Two steps: the least and the greatest value of each component.
        measure::benchmark(2, self.repeat, &selection)?;
        let batches: Vec<BenchmarkBatchSplitResults> =
            serde_json::from_slice(&std::fs::read(&file)?).context("the results can't be read")?;
        let weights = self.weights.clone().unwrap_or_else(weights_folder);
        let mut declared = BTreeMap::new();
        let mut times = BTreeMap::new();
        for batch in batches {
            let pallet = String::from_utf8(batch.pallet)?;
            let benchmark = String::from_utf8(batch.benchmark)?;
            if !declared.contains_key(&pallet) {
                let file = weights.join(&pallet).with_extension("rs");
                declared.insert(pallet.clone(), declared::read(&file)?);
            }
            let declared = declared[&pallet].get(&benchmark).with_context(|| {
                format!("{pallet}::{benchmark} has no weight: run scripts/weights")
            })?;
            times.insert((pallet, benchmark), at_worst(batch.time_results, declared)?);
        }
        Ok(times)
    }
}

/// The median of the runs in which every component had its greatest value.
fn at_worst(results: Vec<BenchmarkResult>, declared: &Declared) -> Result<Times> {
    let mut runs: BTreeMap<Vec<(String, u32)>, Vec<u128>> = BTreeMap::new();
    for result in results {
        let named = |(name, value): (_, u32)| (format!("{name:?}"), value);
        let components = result.components.into_iter().map(named).collect();
        // Nanoseconds.
        let time = result.extrinsic_time * 1_000;
        runs.entry(components).or_default().push(time);
    }
    let size = |components: &[(String, u32)]| -> u64 {
        components.iter().map(|(_, value)| u64::from(*value)).sum()
    };
    let (components, mut worst) = runs
        .into_iter()
        .max_by_key(|(components, _)| size(components))
        .context("a benchmark gave no result")?;
    worst.sort_unstable();
    Ok(Times {
        measured: worst[worst.len() / 2],
        declared: declared.at(&components),
    })
}

/// The names of the benchmarks that take too long, by pallet.
fn too_slow(times: &BTreeMap<Name, Times>) -> BTreeMap<String, Vec<String>> {
    let mut slow: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((pallet, name), times) in times {
        if times.hundredths() > MOST {
            slow.entry(pallet.clone()).or_default().push(name.clone());
        }
    }
    slow
}

fn report(times: &BTreeMap<Name, Times>) {
    println!(
        "{:<56} {:>12} {:>12} {:>6}",
        "at its worst case, in microseconds", "measured", "declared", "ratio"
    );
    for ((pallet, name), times) in times {
        let micros = |picos: u128| picos as f64 / 1e6;
        println!(
            "{:<56} {:>12.3} {:>12.3} {:>6.2}{}",
            format!("{pallet}::{name}"),
            micros(times.measured),
            micros(times.declared),
            times.hundredths() as f64 / 100.0,
            if times.hundredths() > MOST {
                "  too slow"
            } else {
                ""
            },
        );
    }
}
