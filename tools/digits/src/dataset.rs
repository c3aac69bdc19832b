//! The images and how they are split.

/// Pixels of an image: 8 rows of 8.
pub const PIXELS: usize = 64;
/// Number of digits.
pub const CLASSES: usize = 10;
/// Number of images.
pub const IMAGES: usize = 1_797;
/// Every image whose index is divisible by this is held out.
pub const HELD_OUT_STEP: usize = 5;

const IMAGE_BYTES: &[u8; IMAGES * PIXELS] = include_bytes!("../data/images.bin");
const LABEL_BYTES: &[u8; IMAGES] = include_bytes!("../data/labels.bin");

/// Images with their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Images {
    indices: Vec<usize>,
    pixels: Vec<[u8; PIXELS]>,
    labels: Vec<u8>,
}

macro_rules! part {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name(Images);

        impl $name {
            /// Positions in the whole data set.
            pub fn indices(&self) -> &[usize] {
                &self.0.indices
            }

            /// Pixels of each image, from 0 to 16, row by row.
            pub fn images(&self) -> &[[u8; PIXELS]] {
                &self.0.pixels
            }

            /// The digit that each image shows.
            pub fn labels(&self) -> &[u8] {
                &self.0.labels
            }
        }
    };
}

part! {
    /// The images that training and calibration may read.
    TrainingSet
}
part! {
    /// The images on which results are measured, and which nothing before that reads.
    HeldOutSet
}

/// The data set in its two parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// What the network learns from.
    pub training: TrainingSet,
    /// What it is measured on.
    pub held_out: HeldOutSet,
}

/// The whole data set, split by index before anything else happens to it.
pub fn dataset() -> Split {
    let mut split = Split::default();
    let pixels = IMAGE_BYTES.as_chunks::<PIXELS>().0;
    for (index, (image, label)) in pixels.iter().zip(LABEL_BYTES).enumerate() {
        let held_out = index.is_multiple_of(HELD_OUT_STEP);
        let part = if held_out {
            &mut split.held_out.0
        } else {
            &mut split.training.0
        };
        part.indices.push(index);
        part.pixels.push(*image);
        part.labels.push(*label);
    }
    split
}
