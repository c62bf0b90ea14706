/// Voxel counts of one label, and the smallest box with both of its masks.
struct LabelOverlap {
  var prediction = 0
  var reference = 0
  var both = 0
  var box = VoxelBox()
}

/// The overlaps of all labels, counted in one pass over the two maps.
struct LabelOverlaps {
  /// In the order of the labels asked for.
  let byLabel: [LabelOverlap]

  init(prediction: LabelVolume, reference: LabelVolume, labels: [Int32]) {
    let slots = Dictionary(labels.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var overlaps = [LabelOverlap](repeating: LabelOverlap(), count: labels.count)
    let size = reference.grid.size
    prediction.voxels.withUnsafeBufferPointer { prediction in
      reference.voxels.withUnsafeBufferPointer { reference in
        for z in 0..<size.z {
          for y in 0..<size.y {
            let row = size.x * (y + size.y * z)
            // Labels come in runs: one look-up a run, not a voxel.
            var x = 0
            while x < size.x {
              let predicted = prediction[row + x]
              let referred = reference[row + x]
              var end = x + 1
              while end < size.x && prediction[row + end] == predicted
                && reference[row + end] == referred
              { end += 1 }
              if referred >= 0 {
                let run = x..<end
                if let slot = slots[predicted] {
                  overlaps[slot].prediction += run.count
                  overlaps[slot].box.insert(row: run, y: y, z: z)
                  if predicted == referred { overlaps[slot].both += run.count }
                }
                if let slot = slots[referred] {
                  overlaps[slot].reference += run.count
                  overlaps[slot].box.insert(row: run, y: y, z: z)
                }
              }
              x = end
            }
          }
        }
      }
    }
    byLabel = labels.map { slots[$0].map { overlaps[$0] } ?? LabelOverlap() }
  }
}
