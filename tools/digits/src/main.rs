//! `mizan-digits`: trains the digits network and measures it.

use anyhow::{bail, Context, Result};
use mizan_digits::{
    accuracy, dataset, input_bytes, load_model, quantise, train, write_folder, FloatNetwork,
};
use std::io::Write;
use std::path::Path;

const HELP: &str = "\
Trains and measures the handwritten-digits network.

usage: mizan-digits train --out DIR      train, quantise, and write the model
       mizan-digits evaluate --model DIR measure a written model on the held-out images

`train` gives the same bytes on every machine. Its result is committed under tools/digits/model.
";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut out = std::io::stdout().lock();
    match arguments.as_slice() {
        ["train", "--out", folder] => run_training(Path::new(folder), &mut out),
        ["evaluate", "--model", folder] => evaluate(Path::new(folder), &mut out),
        ["--help" | "-h" | "help"] => Ok(out.write_all(HELP.as_bytes())?),
        _ => bail!("unknown arguments\n\n{HELP}"),
    }
}

fn run_training(folder: &Path, out: &mut impl Write) -> Result<()> {
    let split = dataset();
    let network = train(&split.training);
    let model = quantise(&network, &split.training);
    write_folder(folder, &model, &network, &split.held_out)?;
    evaluate(folder, out)
}

/// Counts right answers of both networks, from the written files.
fn evaluate(folder: &Path, out: &mut impl Write) -> Result<()> {
    let held_out = dataset().held_out;
    let path = folder.join("float.bin");
    let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
    let network = FloatNetwork::load(&bytes).context("float.bin has the wrong length")?;
    let model = load_model(folder)?;
    let plan = mizan_tensor::Plan::new(model.program)?;
    let parameters: Vec<&[u8]> = model.parameters.iter().map(Vec::as_slice).collect();
    let input = input_bytes(held_out.images());
    let count = held_out.labels().len();
    let result = mizan_tensor::execute(&plan, &parameters, &[&input], count as u32)?;
    writeln!(out, "held-out images: {count}")?;
    writeln!(
        out,
        "right, floating point: {}",
        network.accuracy(&held_out)
    )?;
    writeln!(
        out,
        "right, integer program: {}",
        accuracy(&result.outputs[0], held_out.labels())
    )?;
    Ok(())
}
