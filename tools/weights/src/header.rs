//! The first lines of every generated file: how to make it again, and on what it was made.

use crate::measure::Measure;
use anyhow::Result;

/// The comment at the head of a generated file.
pub(crate) fn text(measure: &Measure) -> Result<String> {
    let mut command = "scripts/weights".to_owned();
    if (measure.steps, measure.repeat) != (50, 20) {
        command += &format!(" --steps {} --repeat {}", measure.steps, measure.repeat);
    }
    Ok(format!(
        "// Generated, do not edit. Command: {command}\n\
         // Steps: {steps}, repeats: {repeat}, genesis: the `development` preset.\n\
         // SDK: polkadot-sdk 2609.2.0. Runtime: release WASM, compiled by wasmtime. Host: cargo's\n\
         // dev profile with storage, hashes and signatures at `opt-level = 3`, state in memory.\n\
         // Machine: {machine}.\n",
        steps = measure.steps,
        repeat = measure.repeat,
        machine = machine()?,
    ))
}

/// Processor, cores, memory.
fn machine() -> Result<String> {
    let field = |text: &str, name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().strip_prefix(':'));
        line.map_or("unknown".to_owned(), |value| value.trim().to_owned())
    };
    let processor = field(&std::fs::read_to_string("/proc/cpuinfo")?, "model name");
    let memory = field(&std::fs::read_to_string("/proc/meminfo")?, "MemTotal");
    let kibibytes: u64 = memory
        .trim_end_matches("kB")
        .trim()
        .parse()
        .unwrap_or_default();
    let text = std::fs::read_to_string("/proc/cpuinfo")?;
    let cores = text.lines().filter(|l| l.starts_with("processor")).count();
    Ok(format!(
        "{processor}, {cores} cores, {} GiB",
        kibibytes.div_ceil(1 << 20)
    ))
}
