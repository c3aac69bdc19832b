//! What may be demanded of a job, and whether an answer is one.

use crate::{
    dispute::MAX_DEMANDED_CHUNKS,
    slice::{chunk_slice_bytes, end_of_chunks, read_chunks, read_hash, read_node},
    tree::{Demanded, Mode, Node, HASH_BYTES, NODE_BYTES},
    Accusation, Blob, BlobRef, Finding, Hash, Referee, RefereeError, Request, SliceError,
};
use alloc::vec::Vec;

impl Referee<'_> {
    /// Whether that can be demanded of this job.
    pub fn check_request(&self, request: &Request) -> Result<(), RefereeError> {
        self.answer_bytes(request).map(drop)
    }

    /// Exact number of bytes of the answer. Fails as [`Referee::check_request`] does.
    pub fn answer_bytes(&self, request: &Request) -> Result<u64, RefereeError> {
        match *request {
            Request::Chunks { blob, first, count } => {
                let blob = self.chunks(blob, first, count)?;
                chunk_slice_bytes(blob.length, first, count.into())
                    .ok_or(RefereeError::NoSuchChunks)
            }
            Request::Nodes { blob, level, index } => {
                let (blob, demanded) = self.node(blob, level, index)?;
                let path = path_bytes(Node::root(blob.length), demanded.node);
                demanded
                    .count()
                    .checked_mul(HASH_BYTES)
                    .and_then(|bytes| bytes.checked_add(path))
                    .ok_or(RefereeError::NoSuchNode)
            }
            Request::Element { operation, index } => {
                self.evidence_bytes(&Accusation::Element { operation, index })
            }
        }
    }

    /// Checks an answer. [`Finding::Wrong`] only for a [`Request::Element`] whose opening proves
    /// the claim wrong.
    pub fn check_answer(&self, request: &Request, answer: &[u8]) -> Result<Finding, RefereeError> {
        match *request {
            Request::Chunks { blob, first, count } => {
                let blob = self.chunks(blob, first, count)?;
                let mut rest = answer;
                read_chunks(Mode::Plain, &mut rest, &blob, first, count.into())?;
                if !rest.is_empty() {
                    return Err(RefereeError::TrailingBytes);
                }
                Ok(Finding::Right)
            }
            Request::Nodes { .. } => self
                .nodes_of_answer(request, answer)
                .map(|_| Finding::Right),
            Request::Element { operation, index } => {
                self.judge(&Accusation::Element { operation, index }, answer)
            }
        }
    }

    /// The chaining values that an answer to [`Request::Nodes`] holds, left to right, if it
    /// proves them. [`RefereeError::NoSuchNode`] for any other request.
    pub fn nodes_of_answer(
        &self,
        request: &Request,
        answer: &[u8],
    ) -> Result<Vec<Hash>, RefereeError> {
        let Request::Nodes { blob, level, index } = *request else {
            return Err(RefereeError::NoSuchNode);
        };
        let (blob, demanded) = self.node(blob, level, index)?;
        let mut rest = answer;
        let hash = read_path(&mut rest, &blob, demanded.node)?;
        let mut nodes = Vec::new();
        for _ in 0..demanded.count() {
            nodes.push(read_hash(&mut rest)?);
        }
        if !rest.is_empty() {
            return Err(RefereeError::TrailingBytes);
        }
        if merge(demanded.node, demanded.width, &mut nodes.iter()) != Some(hash) {
            return Err(SliceError::WrongHash.into());
        }
        Ok(nodes)
    }

    /// The blob, if it has those chunks and they may be demanded together.
    fn chunks(&self, blob: BlobRef, first: u64, count: u8) -> Result<Blob, RefereeError> {
        let blob = self.blob(blob)?;
        if count > MAX_DEMANDED_CHUNKS || end_of_chunks(blob.length, first, count.into()).is_none()
        {
            return Err(RefereeError::NoSuchChunks);
        }
        Ok(blob)
    }

    fn node(&self, blob: BlobRef, level: u8, index: u64) -> Result<(Blob, Demanded), RefereeError> {
        let blob = self.blob(blob)?;
        let demanded = Demanded::at(blob.length, level, index).ok_or(RefereeError::NoSuchNode)?;
        Ok((blob, demanded))
    }
}

/// The child of `node` that is `target` or has it below.
fn towards(node: Node, target: Node) -> Option<(Node, bool)> {
    let (left, right) = node.children()?;
    let is_left = target.first < right.first;
    Some((if is_left { left } else { right }, is_left))
}

/// Bytes of the inner nodes above `target`.
fn path_bytes(root: Node, target: Node) -> u64 {
    let mut bytes = 0u64;
    let mut node = root;
    while node != target {
        let Some((child, _)) = towards(node, target) else {
            break;
        };
        bytes = bytes.saturating_add(NODE_BYTES);
        node = child;
    }
    bytes
}

/// Takes the inner nodes above `target` off the front of `rest` and gives its hash.
fn read_path(rest: &mut &[u8], blob: &Blob, target: Node) -> Result<Hash, SliceError> {
    let mut node = Node::root(blob.length);
    let mut hash = blob.hash;
    while node != target {
        let (child, is_left) = towards(node, target).ok_or(SliceError::OutOfRange)?;
        let (left, right) = read_node(Mode::Plain, rest, node, &hash)?;
        hash = if is_left { left } else { right };
        node = child;
    }
    Ok(hash)
}

/// The hash of a node from those of the nodes of at most `width` chunks below it, or its own.
fn merge(node: Node, width: u64, nodes: &mut core::slice::Iter<'_, Hash>) -> Option<Hash> {
    if node.chunks <= width {
        return nodes.next().copied();
    }
    let (left, right) = node.children()?;
    let left = merge(left, width, nodes)?;
    let right = merge(right, width, nodes)?;
    Some(node.merge(&left, &right, Mode::Plain))
}
