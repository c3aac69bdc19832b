//! Names of blobs as text.

use mizan_tensor::Hash;

/// A hash as text: `0x` and 64 digits.
pub fn hex_hash(hash: &Hash) -> String {
    format!("0x{}", hex::encode(hash))
}

/// Reads 64 digits, with or without `0x`.
pub(crate) fn parse_name(text: &str) -> Option<Hash> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut hash = [0; 32];
    hex::decode_to_slice(digits, &mut hash).ok().map(|()| hash)
}

/// The parts of a blob's path below any folder: `ab`, `cd` and the name.
pub(crate) fn path_parts(hash: &Hash) -> [String; 3] {
    let name = hex::encode(hash);
    [name[..2].to_owned(), name[2..4].to_owned(), name]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_name_is_read_back_and_others_are_not() {
        let hash = [0xab; 32];
        assert_eq!(parse_name(&hex_hash(&hash)), Some(hash));
        assert_eq!(parse_name(&hex::encode(hash)), Some(hash));
        for text in ["", "0x", "abcd", "zz", "../../etc/passwd"] {
            assert_eq!(parse_name(text), None);
        }
    }
}
