//! The committed model is what the committed data and code give, and is as good as claimed.

use mizan_digits::{
    accuracy, dataset, input_bytes, load_model, quantise, train, write_folder, FloatNetwork,
    ModelError, CLASSES, IMAGES,
};
use mizan_tensor::{execute, hash_bytes, Plan};
use std::path::{Path, PathBuf};

/// Right answers of the committed networks on the 360 held-out images.
const FLOAT_RIGHT: usize = 349;
const INTEGER_RIGHT: usize = 349;
/// 96 of 100, and no more than a point between the two.
const _: () = assert!(FLOAT_RIGHT * 100 >= 96 * 360);
const _: () = assert!(FLOAT_RIGHT.abs_diff(INTEGER_RIGHT) * 100 <= 360);

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("model")
}

/// All files below a folder with their contents, sorted by name.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), std::fs::read(path).unwrap()));
        }
    }
    found.sort();
    found
}

fn relative(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let strip =
        |(path, bytes): (PathBuf, Vec<u8>)| (path.strip_prefix(folder).unwrap().into(), bytes);
    files(folder).into_iter().map(strip).collect()
}

fn logits() -> Vec<u8> {
    let model = load_model(&committed()).unwrap();
    let input = std::fs::read(committed().join("input.bin")).unwrap();
    let parameters: Vec<&[u8]> = model.parameters.iter().map(Vec::as_slice).collect();
    let plan = Plan::new(model.program).unwrap();
    execute(&plan, &parameters, &[&input], 360)
        .unwrap()
        .outputs
        .remove(0)
}

#[test]
fn training_again_gives_the_committed_files_byte_for_byte() {
    let split = dataset();
    let network = train(&split.training);
    let model = quantise(&network, &split.training);
    let folder = tempfile::tempdir().unwrap();
    write_folder(folder.path(), &model, &network, &split.held_out).unwrap();
    let (again, before) = (relative(folder.path()), relative(&committed()));
    let names = |files: &[(PathBuf, Vec<u8>)]| -> Vec<PathBuf> {
        files.iter().map(|(path, _)| path.clone()).collect()
    };
    assert_eq!(names(&again), names(&before));
    for ((path, again), (_, before)) in again.iter().zip(&before) {
        assert!(again == before, "{} differs", path.display());
    }
}

#[test]
fn float_accuracy_is_as_claimed() {
    let bytes = std::fs::read(committed().join("float.bin")).unwrap();
    let network = FloatNetwork::load(&bytes).unwrap();
    assert_eq!(network.accuracy(&dataset().held_out), FLOAT_RIGHT);
}

#[test]
fn integer_accuracy_is_as_claimed_and_within_a_point_of_float() {
    let labels = std::fs::read(committed().join("labels.bin")).unwrap();
    assert_eq!(accuracy(&logits(), &labels), INTEGER_RIGHT);
}

#[test]
fn held_out_images_are_those_whose_index_is_divisible_by_five() {
    let split = dataset();
    let expected: Vec<usize> = (0..IMAGES).filter(|index| index % 5 == 0).collect();
    assert_eq!(split.held_out.indices(), expected);
    assert_eq!(split.held_out.labels().len(), 360);
    let expected: Vec<usize> = (0..IMAGES).filter(|index| index % 5 != 0).collect();
    assert_eq!(split.training.indices(), expected);
    assert_eq!(split.training.labels().len(), 1_437);
}

#[test]
fn no_held_out_image_occurs_in_the_training_part() {
    let split = dataset();
    for image in split.held_out.images() {
        assert!(!split.training.images().contains(image));
    }
}

#[test]
fn committed_input_is_the_held_out_part() {
    let held_out = dataset().held_out;
    let input = std::fs::read(committed().join("input.bin")).unwrap();
    let labels = std::fs::read(committed().join("labels.bin")).unwrap();
    assert_eq!(input, input_bytes(held_out.images()));
    assert_eq!(labels, held_out.labels());
    // Sixteen times seven: a pixel never turns negative.
    assert!(input.iter().all(|byte| *byte <= 112 && byte % 7 == 0));
}

#[test]
fn accuracy_counts_the_first_of_equal_logits() {
    let mut logits = [0u8; 3 * CLASSES];
    // All equal: 0. Two largest: the first. A negative byte is not large.
    logits[CLASSES + 4] = 5;
    logits[CLASSES + 7] = 5;
    logits[2 * CLASSES..].fill(0x80);
    logits[2 * CLASSES + 9] = 0xff;
    assert_eq!(accuracy(&logits, &[0, 4, 9]), 3);
    assert_eq!(accuracy(&logits, &[1, 7, 0]), 0);
}

#[test]
fn parameters_of_another_hash_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in relative(&committed()) {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let model = load_model(folder.path()).unwrap();
    assert_eq!(
        hash_bytes(&model.parameters[3]),
        model.program.parameters[3].hash
    );
    std::fs::write(folder.path().join("parameters/03.bin"), b"x").unwrap();
    let refused = load_model(folder.path()).unwrap_err();
    assert!(matches!(refused, ModelError::Parameter(path) if path.ends_with("parameters/03.bin")));
}
