//! The model: a program, its parameters, and the files that hold them.

use crate::network::HIDDEN;
use crate::{FloatNetwork, HeldOutSet, CLASSES, PIXELS};
use codec::Encode;
use mizan_tensor::{hash_bytes, Operand, Operation, Parameter, Program, Table, TensorType, FORMAT};
use std::path::{Path, PathBuf};

/// A pixel's byte in the program's input is its value of 0 to 16 times this: 0 to 112.
pub const PIXEL_FACTOR: u8 = 7;
/// Most images in one job.
pub const MAX_BATCH: u32 = 1_024;

/// A program with the bytes of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The program. Its owner is all zero until an account registers it.
    pub program: Program,
    /// The parameter tensors, in the program's order.
    pub parameters: Vec<Vec<u8>>,
}

/// Why a model's folder can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The program's bytes are not a program.
    #[error("{0} does not hold a program")]
    Program(PathBuf),
    /// A parameter's bytes do not have the hash that the program names.
    #[error("{0} does not have the hash that the program names")]
    Parameter(PathBuf),
}

/// The program over these parameters: weights and channel records of each layer in turn.
pub(crate) fn program(parameters: &[Vec<u8>], add: [i32; 2], shift: u8) -> Program {
    let (pixels, hidden, classes) = (PIXELS as u32, HIDDEN as u32, CLASSES as u32);
    let types = [
        TensorType::i8(&[hidden, pixels]),
        TensorType::channels(hidden),
        TensorType::i8(&[hidden, hidden]),
        TensorType::channels(hidden),
        TensorType::i8(&[classes, hidden]),
        TensorType::channels(classes),
    ];
    let linear = |input, weights: u16, table| Operation::Linear {
        input,
        weights,
        channels: weights + 1,
        table,
    };
    let named = parameters.iter().zip(types);
    let [left_multiplier, right_multiplier] = add;
    let (left, right) = (Operand::Operation(0), Operand::Operation(1));
    Program {
        format: FORMAT,
        owner: [0; 32],
        max_batch: MAX_BATCH,
        inputs: vec![TensorType::i8(&[pixels])],
        parameters: named
            .map(|(bytes, tensor)| Parameter {
                hash: hash_bytes(bytes),
                tensor,
            })
            .collect(),
        // The rectifier.
        tables: vec![Table::from_fn(|x| x.max(0))],
        operations: vec![
            linear(Operand::Input(0), 0, Some(0)),
            linear(Operand::Operation(0), 2, Some(0)),
            Operation::Add {
                left,
                right,
                left_multiplier,
                right_multiplier,
                shift,
                table: None,
            },
            linear(Operand::Operation(2), 4, None),
        ],
        outputs: vec![3],
    }
}

/// Images as the program's input tensor.
pub fn input_bytes(images: &[[u8; PIXELS]]) -> Vec<u8> {
    images
        .iter()
        .flatten()
        .map(|pixel| pixel * PIXEL_FACTOR)
        .collect()
}

/// How many of a job's outputs name the right digit: `logits` are 10 signed bytes an image, the
/// largest counts, and of equal ones the first.
pub fn accuracy(logits: &[u8], labels: &[u8]) -> usize {
    let items = logits.as_chunks::<CLASSES>().0.iter().zip(labels);
    let digit = |item: &[u8; CLASSES]| crate::network::arg_max(&item.map(|byte| byte as i8));
    items
        .filter(|(item, label)| digit(item) == usize::from(**label))
        .count()
}

fn program_path(folder: &Path) -> PathBuf {
    folder.join("program.scale")
}

fn parameter_path(folder: &Path, index: usize) -> PathBuf {
    folder.join("parameters").join(format!("{index:02}.bin"))
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    std::fs::read(path).map_err(|source| ModelError::File {
        path: path.into(),
        source,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    std::fs::write(path, bytes).map_err(|source| ModelError::File {
        path: path.into(),
        source,
    })
}

/// Reads a model from a folder and checks the parameters' hashes.
pub fn load_model(folder: &Path) -> Result<Model, ModelError> {
    let path = program_path(folder);
    let program = Program::from_bytes(&read(&path)?).map_err(|_| ModelError::Program(path))?;
    let mut parameters = Vec::new();
    for (index, parameter) in program.parameters.iter().enumerate() {
        let path = parameter_path(folder, index);
        let bytes = read(&path)?;
        if hash_bytes(&bytes) != parameter.hash {
            return Err(ModelError::Parameter(path));
        }
        parameters.push(bytes);
    }
    Ok(Model {
        program,
        parameters,
    })
}

/// Writes everything that a requester and an auditor need: the program, its parameters, the
/// network it came from, and the held-out images with their labels.
pub fn write_folder(
    folder: &Path,
    model: &Model,
    network: &FloatNetwork,
    held_out: &HeldOutSet,
) -> Result<(), ModelError> {
    let parameters = folder.join("parameters");
    std::fs::create_dir_all(&parameters).map_err(|source| ModelError::File {
        path: parameters,
        source,
    })?;
    write(&program_path(folder), &model.program.encode())?;
    for (index, bytes) in model.parameters.iter().enumerate() {
        write(&parameter_path(folder, index), bytes)?;
    }
    write(&folder.join("float.bin"), &network.to_bytes())?;
    write(&folder.join("input.bin"), &input_bytes(held_out.images()))?;
    write(&folder.join("labels.bin"), held_out.labels())
}
