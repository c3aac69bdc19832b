//! From floating point to the integer program.
//!
//! Weights are symmetric and have one scale an output channel; activations have one scale a
//! tensor, taken from the largest value that the training images reach. A channel's multiplier
//! and shift stand for `weight scale * input scale / output scale` (Jacob et al. 2018,
//! <https://arxiv.org/abs/1712.05877>). The rectifier is the program's table; the clamp before it
//! cuts at the top of the scale.

use crate::model::{program, Model, PIXEL_FACTOR};
use crate::network::{FloatNetwork, Layer, BRIGHTEST};
use crate::TrainingSet;
use codec::Encode;

/// Largest quantised value, also of weights: -128 is not used.
const TOP: f64 = 127.0;
/// Multipliers have 31 bits: the most that `i32` holds.
const LEAST_MULTIPLIER: f64 = (1u32 << 30) as f64;
/// Bits of the two multipliers of the addition.
const ADD_SHIFT: u8 = 24;

/// Turns a trained network into a program and its parameters, calibrated on the training part.
pub fn quantise(network: &FloatNetwork, set: &TrainingSet) -> Model {
    let scales = Scales::calibrate(network, set);
    let [one, two, three] = &network.layers;
    let input = 1.0 / (BRIGHTEST * f64::from(PIXEL_FACTOR));
    let mut parameters = Vec::new();
    for (layer, input, output) in [
        (one, input, scales.first),
        (two, scales.first, scales.second),
        (three, scales.sum, scales.logits),
    ] {
        let (weights, channels) = quantise_layer(layer, input, output);
        parameters.extend([weights, channels]);
    }
    let ratio = f64::from(1u32 << ADD_SHIFT) / scales.sum;
    let multipliers = [
        nearest(scales.first * ratio) as i32,
        nearest(scales.second * ratio) as i32,
    ];
    Model {
        program: program(&parameters, multipliers, ADD_SHIFT),
        parameters,
    }
}

/// What one integer step of each activation stands for.
struct Scales {
    first: f64,
    second: f64,
    sum: f64,
    logits: f64,
}

impl Scales {
    fn calibrate(network: &FloatNetwork, set: &TrainingSet) -> Self {
        let mut largest = Scales {
            first: 0.0,
            second: 0.0,
            sum: 0.0,
            logits: 0.0,
        };
        for image in set.images() {
            let at = network.activations(image);
            largest.first = magnitude(largest.first, &at.first);
            largest.second = magnitude(largest.second, &at.second);
            largest.sum = magnitude(largest.sum, &at.sum);
            largest.logits = magnitude(largest.logits, &at.logits);
        }
        Scales {
            first: largest.first / TOP,
            second: largest.second / TOP,
            sum: largest.sum / TOP,
            logits: largest.logits / TOP,
        }
    }
}

/// The largest magnitude among `values` and `least`.
fn magnitude(least: f64, values: &[f64]) -> f64 {
    values.iter().fold(least, |most, value| {
        let value = if *value < 0.0 { -value } else { *value };
        if value > most {
            value
        } else {
            most
        }
    })
}

/// Rounds to the nearest integer, halves away from zero.
fn nearest(value: f64) -> i64 {
    // A conversion to an integer cuts towards zero.
    if value < 0.0 {
        (value - 0.5) as i64
    } else {
        (value + 0.5) as i64
    }
}

/// The weights as signed bytes, and the channel records.
fn quantise_layer(layer: &Layer, input: f64, output: f64) -> (Vec<u8>, Vec<u8>) {
    let (mut weights, mut channels) = (Vec::new(), Vec::new());
    for (row, bias) in layer.rows().zip(&layer.biases) {
        // A channel without weights still has a bias: any scale serves.
        let scale = match magnitude(0.0, row) / TOP {
            0.0 => 1.0 / TOP,
            scale => scale,
        };
        weights.extend(row.iter().map(|weight| nearest(weight / scale) as i8 as u8));
        let bias = nearest(bias / (scale * input)) as i32;
        let (multiplier, shift) = fixed_point(scale * input / output);
        channels.extend((bias, multiplier, shift, [0u8; 7]).encode());
    }
    (weights, channels)
}

/// A positive factor as `multiplier / 2^shift`, with as many bits as the format takes.
fn fixed_point(factor: f64) -> (i32, u8) {
    let (mut scaled, mut shift) = (factor, 0);
    while scaled < LEAST_MULTIPLIER && shift < 62 {
        scaled *= 2.0;
        shift += 1;
    }
    (nearest(scaled).min(i64::from(i32::MAX)) as i32, shift)
}
