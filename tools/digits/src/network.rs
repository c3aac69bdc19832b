//! The network in floating point.

use crate::{HeldOutSet, CLASSES, PIXELS};

/// Width of both hidden layers.
pub(crate) const HIDDEN: usize = 64;
/// The brightest pixel.
pub(crate) const BRIGHTEST: f64 = 16.0;

/// A linear layer: weights output-major, `[N, K]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layer {
    pub(crate) inputs: usize,
    pub(crate) weights: Vec<f64>,
    pub(crate) biases: Vec<f64>,
}

impl Layer {
    pub(crate) fn zero(inputs: usize, outputs: usize) -> Self {
        Self {
            inputs,
            weights: vec![0.0; inputs * outputs],
            biases: vec![0.0; outputs],
        }
    }

    /// Weights of each output.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.weights.chunks(self.inputs)
    }

    /// `weights * input + biases`, summed from the first input to the last.
    fn apply(&self, input: &[f64]) -> Vec<f64> {
        let dot = |row: &[f64]| row.iter().zip(input).fold(0.0, |sum, (w, x)| sum + w * x);
        self.rows()
            .zip(&self.biases)
            .map(|(row, bias)| dot(row) + bias)
            .collect()
    }
}

/// `64 -> linear 64, relu -> linear 64, relu -> add -> linear 10` in 64-bit floating point.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNetwork {
    pub(crate) layers: [Layer; 3],
}

/// What every layer gives for one image.
pub(crate) struct Activations {
    pub(crate) input: Vec<f64>,
    pub(crate) first: Vec<f64>,
    pub(crate) second: Vec<f64>,
    pub(crate) sum: Vec<f64>,
    pub(crate) logits: Vec<f64>,
}

impl FloatNetwork {
    /// The network whose parameters are all zero.
    pub(crate) fn zero() -> Self {
        Self {
            layers: [
                Layer::zero(PIXELS, HIDDEN),
                Layer::zero(HIDDEN, HIDDEN),
                Layer::zero(HIDDEN, CLASSES),
            ],
        }
    }

    /// Weights and biases, layer by layer.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &f64> {
        self.layers
            .iter()
            .flat_map(|layer| layer.weights.iter().chain(&layer.biases))
    }

    pub(crate) fn parameters_mut(&mut self) -> impl Iterator<Item = &mut f64> {
        self.layers
            .iter_mut()
            .flat_map(|layer| layer.weights.iter_mut().chain(&mut layer.biases))
    }

    /// Reads what [`FloatNetwork::to_bytes`] wrote. `None` when the length is another.
    pub fn load(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut network = Self::zero();
        if !rest.is_empty() || words.len() != network.parameters().count() {
            return None;
        }
        for (parameter, word) in network.parameters_mut().zip(words) {
            *parameter = f64::from_le_bytes(*word);
        }
        Some(network)
    }

    /// All parameters, little-endian: of each layer the weights `[N, K]`, then the biases.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.parameters()
            .flat_map(|parameter| parameter.to_le_bytes())
            .collect()
    }

    pub(crate) fn activations(&self, image: &[u8; PIXELS]) -> Activations {
        let relu = |values: Vec<f64>| -> Vec<f64> {
            values
                .into_iter()
                .map(|x| if x > 0.0 { x } else { 0.0 })
                .collect()
        };
        let [one, two, three] = &self.layers;
        let input: Vec<f64> = image
            .iter()
            .map(|pixel| f64::from(*pixel) / BRIGHTEST)
            .collect();
        let first = relu(one.apply(&input));
        let second = relu(two.apply(&first));
        let sum: Vec<f64> = first.iter().zip(&second).map(|(a, b)| a + b).collect();
        let logits = three.apply(&sum);
        Activations {
            input,
            first,
            second,
            sum,
            logits,
        }
    }

    /// How many held-out images get the right digit. Ties go to the lowest.
    pub fn accuracy(&self, held_out: &HeldOutSet) -> usize {
        let images = held_out.images().iter().zip(held_out.labels());
        images
            .filter(|(image, label)| {
                arg_max(&self.activations(image).logits) == usize::from(**label)
            })
            .count()
    }
}

/// Index of the largest value; of the first, where several are.
pub(crate) fn arg_max<T: PartialOrd>(values: &[T]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}
