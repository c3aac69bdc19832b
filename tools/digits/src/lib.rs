//! The first real model: a small network that reads handwritten digits, as an exact tensor
//! program.
//!
//! # Overview
//! 1,797 images of 8 x 8 pixels are part of this crate. A network is trained on four fifths of
//! them in floating point, turned into 8-bit integers, and measured on the fifth it never saw.
//! The result is committed under `model/`, so that anyone can repeat every step and get the same
//! bytes.
//!
//! | part | what it gives |
//! | --- | --- |
//! | [`dataset`] | the images, already split into training and held-out part |
//! | [`train`] | a [`FloatNetwork`] from the training part |
//! | [`quantise`] | a [`Model`]: the program and its parameter tensors |
//! | [`load_model`] | the same, from a folder |
//! | [`accuracy`] | how many outputs of a job name the right digit |
//!
//! The network is `64 -> linear 64, relu -> linear 64, relu -> add both hidden layers -> linear
//! 10`. Its input is one byte a pixel: the pixel's value of 0 to 16 times [`PIXEL_FACTOR`].
//!
//! # Goals
//! - Repeatable to the byte on every machine: one thread, fixed order, one seed, and of floating
//!   point only what IEEE 754 defines exactly (`+ - * /`, square root, comparison).
//! - No leak from the held-out part: training and calibration take a [`TrainingSet`], and only
//!   [`dataset`] makes one.
//!
//! # Non-goals
//! State-of-the-art accuracy, speed, other data sets, a general training library.
//!
//! # Terminology
//! *Held out*: images that no step before the measurement reads. *Calibration*: finding the
//! largest value of each layer, which fixes its scale. *Scale*: the real number that one integer
//! step stands for.
#![forbid(unsafe_code)]

mod dataset;
mod model;
mod network;
mod quantisation;
mod random;
mod training;

pub use dataset::{
    dataset, HeldOutSet, Split, TrainingSet, CLASSES, HELD_OUT_STEP, IMAGES, PIXELS,
};
pub use model::{
    accuracy, input_bytes, load_model, write_folder, Model, ModelError, MAX_BATCH, PIXEL_FACTOR,
};
pub use network::FloatNetwork;
pub use quantisation::quantise;
pub use training::train;
