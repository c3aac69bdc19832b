//! The job of demo and tests: naming the digit on every held-out image.

use crate::binaries::repository_file;
use anyhow::{ensure, Context, Result};
use mizan_digits::{dataset, FloatNetwork, CLASSES};
use std::path::{Path, PathBuf};

/// Number of held-out images.
pub const IMAGES: u32 = 360;

/// The model's folder.
pub fn model_folder() -> PathBuf {
    repository_file("tools/digits/model")
}

/// The held-out images as the program's input.
pub fn input_file() -> PathBuf {
    model_folder().join("input.bin")
}

/// How many images a job's output names right.
pub fn right_in(output: &Path) -> Result<usize> {
    let logits = std::fs::read(output).with_context(|| output.display().to_string())?;
    let labels = std::fs::read(model_folder().join("labels.bin"))?;
    let count = usize::try_from(IMAGES)?;
    ensure!(labels.len() == count, "there are {} labels", labels.len());
    ensure!(
        logits.len() == count * CLASSES,
        "the output has {} bytes",
        logits.len()
    );
    Ok(mizan_digits::accuracy(&logits, &labels))
}

/// How many images the network that the program came from names right.
pub fn right_in_floating_point() -> Result<usize> {
    let bytes = std::fs::read(model_folder().join("float.bin"))?;
    let network = FloatNetwork::load(&bytes).context("float.bin has the wrong length")?;
    Ok(network.accuracy(&dataset().held_out))
}
