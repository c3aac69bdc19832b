//! A model as a folder: `program.scale`, and `parameters/NN.bin` for each parameter tensor.

use crate::{hex_hash, AccountId};
use codec::Encode;
use mizan_tensor::{hash_bytes, Plan, Program, ProgramError};
use std::path::{Path, PathBuf};

/// A program with the bytes of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelBundle {
    /// The program. Its owner may be all zero until an account registers it.
    pub program: Program,
    /// The parameter tensors, in the program's order.
    pub parameters: Vec<Vec<u8>>,
}

/// Why a folder holds no model, or can't take one.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The bytes are not a program.
    #[error("{} does not hold a program", .0.display())]
    NotAProgram(PathBuf),
    /// The program would not be accepted for registration.
    #[error("{}: {error}", path.display())]
    InvalidProgram {
        /// The program's file.
        path: PathBuf,
        /// What is wrong with it.
        error: ProgramError,
    },
    /// A parameter is not the one that the program names.
    #[error("{} does not have the hash that the program names: {}", path.display(), hex_hash(expected))]
    WrongParameter {
        /// The parameter's file.
        path: PathBuf,
        /// What the program names.
        expected: [u8; 32],
    },
}

impl ModelBundle {
    /// Reads a model and checks that its program is valid and its parameters are those named.
    pub fn read(folder: &Path) -> Result<Self, BundleError> {
        let path = program_path(folder);
        let program = Program::from_bytes(&read(&path)?)
            .map_err(|_| BundleError::NotAProgram(path.clone()))?;
        Plan::new(program.clone()).map_err(|error| BundleError::InvalidProgram { path, error })?;
        let mut parameters = Vec::with_capacity(program.parameters.len());
        for (index, parameter) in program.parameters.iter().enumerate() {
            let path = parameter_path(folder, index);
            let bytes = read(&path)?;
            let expected = parameter.hash;
            if hash_bytes(&bytes) != expected {
                return Err(BundleError::WrongParameter { path, expected });
            }
            parameters.push(bytes);
        }
        Ok(Self {
            program,
            parameters,
        })
    }

    /// Writes the model's files into a folder, which is made if needed.
    pub fn write(&self, folder: &Path) -> Result<(), BundleError> {
        let parameters = folder.join("parameters");
        std::fs::create_dir_all(&parameters).map_err(|source| BundleError::File {
            path: parameters,
            source,
        })?;
        write(&program_path(folder), &self.program.encode())?;
        for (index, bytes) in self.parameters.iter().enumerate() {
            write(&parameter_path(folder, index), bytes)?;
        }
        Ok(())
    }

    /// The same model with the account that will register it. The owner is part of the id.
    pub fn owned_by(mut self, owner: &AccountId) -> Self {
        self.program.owner = owner.0;
        self
    }

    /// The bytes that `register_model` takes, whose BLAKE3 hash is the model's id.
    pub fn program_bytes(&self) -> Vec<u8> {
        self.program.encode()
    }
}

fn program_path(folder: &Path) -> PathBuf {
    folder.join("program.scale")
}

fn parameter_path(folder: &Path, index: usize) -> PathBuf {
    folder.join("parameters").join(format!("{index:02}.bin"))
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    std::fs::read(path).map_err(|source| BundleError::File {
        path: path.into(),
        source,
    })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    std::fs::write(path, bytes).map_err(|source| BundleError::File {
        path: path.into(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_tensor::{Operand, Operation, Parameter, TensorType, FORMAT};

    fn bundle() -> ModelBundle {
        let parameters = vec![vec![1u8; 4], vec![0u8; 32]];
        let types = [TensorType::i8(&[2, 2]), TensorType::channels(2)];
        let named = parameters.iter().zip(types);
        let program = Program {
            format: FORMAT,
            owner: [0; 32],
            max_batch: 4,
            inputs: vec![TensorType::i8(&[2])],
            parameters: named
                .map(|(bytes, tensor)| Parameter {
                    hash: hash_bytes(bytes),
                    tensor,
                })
                .collect(),
            tables: vec![],
            operations: vec![Operation::Linear {
                input: Operand::Input(0),
                weights: 0,
                channels: 1,
                table: None,
            }],
            outputs: vec![0],
        };
        ModelBundle {
            program,
            parameters,
        }
    }

    #[test]
    fn a_written_model_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        bundle().write(folder.path()).unwrap();
        assert_eq!(ModelBundle::read(folder.path()).unwrap(), bundle());
    }

    #[test]
    fn a_changed_parameter_is_named() {
        let folder = tempfile::tempdir().unwrap();
        bundle().write(folder.path()).unwrap();
        let path = folder.path().join("parameters/01.bin");
        std::fs::write(&path, [9; 32]).unwrap();
        let refused = ModelBundle::read(folder.path()).unwrap_err();
        assert!(matches!(refused, BundleError::WrongParameter { path: p, .. } if p == path));
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refused = ModelBundle::read(folder.path()).unwrap_err();
        assert!(
            matches!(refused, BundleError::File { path, .. } if path.ends_with("program.scale"))
        );
    }

    #[test]
    fn bytes_that_are_no_program_and_invalid_programs_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("program.scale"), [255; 3]).unwrap();
        let refused = ModelBundle::read(folder.path()).unwrap_err();
        assert!(matches!(refused, BundleError::NotAProgram(_)));
        let mut invalid = bundle();
        invalid.program.outputs.clear();
        invalid.write(folder.path()).unwrap();
        let refused = ModelBundle::read(folder.path()).unwrap_err();
        assert!(matches!(refused, BundleError::InvalidProgram { .. }));
    }

    #[test]
    fn the_owner_is_part_of_the_id() {
        let owned = bundle().owned_by(&AccountId([7; 32]));
        assert_eq!(owned.program.owner, [7; 32]);
        assert_ne!(owned.program.id(), bundle().program.id());
        assert_eq!(hash_bytes(&owned.program_bytes()), owned.program.id());
    }
}
