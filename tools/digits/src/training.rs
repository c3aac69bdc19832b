//! Training: stochastic gradient descent with momentum in a fixed order.
//!
//! The constants were chosen by training on three quarters of the training part and measuring on
//! the rest, in turn; the held-out part had no say in them.

use crate::network::{Activations, FloatNetwork, Layer};
use crate::random::Random;
use crate::TrainingSet;

const SEED: u64 = 20_260_101;
const EPOCHS: usize = 60;
const BATCH: usize = 16;
const FIRST_RATE: f64 = 0.02;
const MOMENTUM: f64 = 0.9;
const DECAY: f64 = 0.000_1;

/// Trains the network. The same bytes on every machine.
pub fn train(set: &TrainingSet) -> FloatNetwork {
    let mut random = Random::new(SEED);
    let mut network = initial(&mut random);
    let mut velocity = FloatNetwork::zero();
    let mut order: Vec<usize> = (0..set.images().len()).collect();
    for epoch in 0..EPOCHS {
        // The learning rate falls to zero in equal steps.
        let rate = FIRST_RATE * (EPOCHS - epoch) as f64 / EPOCHS as f64;
        random.shuffle(&mut order);
        for batch in order.chunks(BATCH) {
            let mut gradient = FloatNetwork::zero();
            for index in batch {
                let activations = network.activations(&set.images()[*index]);
                add_gradient(&mut gradient, &network, &activations, set.labels()[*index]);
            }
            step(&mut network, &mut velocity, &gradient, rate, batch.len());
        }
    }
    network
}

/// Weights drawn evenly from `+- sqrt(6 / inputs)` (He et al. 2015), biases zero.
fn initial(random: &mut Random) -> FloatNetwork {
    let mut network = FloatNetwork::zero();
    for layer in &mut network.layers {
        let limit = (6.0 / layer.inputs as f64).sqrt();
        for weight in &mut layer.weights {
            *weight = random.symmetric() * limit;
        }
    }
    network
}

/// Adds the gradient of one image's loss. The loss is the squared hinge, each digit against the
/// rest: `max(0, 1 - y * logit)^2` with `y = 1` for the digit shown and -1 for the others. It
/// needs no exponential, which libraries round differently.
fn add_gradient(sums: &mut FloatNetwork, network: &FloatNetwork, at: &Activations, label: u8) {
    let hinge = |(digit, logit): (usize, &f64)| {
        let y = if digit == usize::from(label) {
            1.0
        } else {
            -1.0
        };
        let slack = 1.0 - y * logit;
        if slack > 0.0 {
            -2.0 * y * slack
        } else {
            0.0
        }
    };
    let logits: Vec<f64> = at.logits.iter().enumerate().map(hinge).collect();
    let [one, two, three] = &mut sums.layers;
    let sum = backward(three, &network.layers[2], &at.sum, &logits);
    let second = through_relu(&sum, &at.second);
    let through_second = backward(two, &network.layers[1], &at.first, &second);
    let first: Vec<f64> = sum
        .iter()
        .zip(&through_second)
        .map(|(a, b)| a + b)
        .collect();
    backward(
        one,
        &network.layers[0],
        &at.input,
        &through_relu(&first, &at.first),
    );
}

/// The gradient before a rectifier whose outputs are `values`.
fn through_relu(gradient: &[f64], values: &[f64]) -> Vec<f64> {
    gradient
        .iter()
        .zip(values)
        .map(|(g, value)| if *value > 0.0 { *g } else { 0.0 })
        .collect()
}

/// Adds a layer's parameter gradients to `sums`; gives the gradient of its input.
fn backward(sums: &mut Layer, layer: &Layer, input: &[f64], output: &[f64]) -> Vec<f64> {
    let mut gradient = vec![0.0; input.len()];
    let rows = sums.weights.chunks_mut(layer.inputs).zip(&mut sums.biases);
    for (((row_sums, bias_sum), row), g) in rows.zip(layer.rows()).zip(output) {
        if *g == 0.0 {
            continue;
        }
        *bias_sum += g;
        for (((sum, weight), x), below) in
            row_sums.iter_mut().zip(row).zip(input).zip(&mut gradient)
        {
            *sum += g * x;
            *below += g * weight;
        }
    }
    gradient
}

/// One step of gradient descent with momentum and weight decay.
fn step(
    network: &mut FloatNetwork,
    velocity: &mut FloatNetwork,
    gradient: &FloatNetwork,
    rate: f64,
    count: usize,
) {
    let parameters = network.parameters_mut().zip(velocity.parameters_mut());
    for ((parameter, speed), sum) in parameters.zip(gradient.parameters()) {
        *speed = MOMENTUM * *speed + (sum / count as f64 + DECAY * *parameter);
        *parameter -= rate * *speed;
    }
}
