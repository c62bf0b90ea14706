import RealModule

/// Blurs a D×H×W channel along each axis with a Gaussian of `sigmaInVoxels` [x, y, z]; 0 leaves an axis alone.
///
/// The kernel is cut at ⌊4σ + ½⌋ voxels and normalised, and the image is mirrored about its outer faces: as
/// `scipy.ndimage.gaussian_filter` with its defaults (truncate 4, mode "reflect").
func blur(_ values: UnsafeMutableBufferPointer<Float>, size: SIMD3<Int>, sigmaInVoxels: SIMD3<Double>) {
  guard let base = values.baseAddress else { return }
  if let kernel = BlurKernel(sigma: sigmaInVoxels.x) {
    for row in stride(from: 0, to: values.count, by: size.x) {
      kernel.blurRow(base + row, count: size.x)
    }
  }
  let plane = size.x * size.y
  if let kernel = BlurKernel(sigma: sigmaInVoxels.y) {
    for slice in stride(from: 0, to: values.count, by: plane) {
      kernel.blurRows(base + slice, rowLength: size.x, rowCount: size.y, rowStride: size.x)
    }
  }
  if let kernel = BlurKernel(sigma: sigmaInVoxels.z) {
    for row in stride(from: 0, to: plane, by: size.x) {
      kernel.blurRows(base + row, rowLength: size.x, rowCount: size.z, rowStride: plane)
    }
  }
}

/// One half of a normalised Gaussian, centre first.
private struct BlurKernel {
  let weights: [Float]
  var radius: Int { weights.count - 1 }

  init?(sigma: Double) {
    guard sigma > 0 else { return nil }
    let radius = Int(4 * sigma + 0.5)
    let half = (0...radius).map { Double.exp(-0.5 * (Double($0) / sigma) * (Double($0) / sigma)) }
    let sum = 2 * half.reduce(0, +) - half[0]
    weights = half.map { Float($0 / sum) }
  }

  /// Along a row.
  func blurRow(_ row: UnsafeMutablePointer<Float>, count: Int) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count + 2 * radius) { padded in
      guard let start = padded.baseAddress else { return }
      for index in -radius..<0 { padded.initializeElement(at: index + radius, to: row[mirrored(index, count)]) }
      (start + radius).initialize(from: row, count: count)
      for index in count..<count + radius {
        padded.initializeElement(at: index + radius, to: row[mirrored(index, count)])
      }
      sum((0...2 * radius).map { UnsafePointer(start + $0) }, count: count, to: row)
    }
  }

  /// Across rows that lie `rowStride` values apart.
  func blurRows(_ rows: UnsafeMutablePointer<Float>, rowLength: Int, rowCount: Int, rowStride: Int) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: rowLength * rowCount) { copy in
      guard let start = copy.baseAddress else { return }
      for row in 0..<rowCount {
        (start + row * rowLength).initialize(from: rows + row * rowStride, count: rowLength)
      }
      var terms = [UnsafePointer<Float>](repeating: UnsafePointer(start), count: 2 * radius + 1)
      for row in 0..<rowCount {
        for offset in -radius...radius {
          terms[offset + radius] = UnsafePointer(start + mirrored(row + offset, rowCount) * rowLength)
        }
        sum(terms, count: rowLength, to: rows + row * rowStride)
      }
    }
  }

  /// target[i] = Σ weight[|k|] · terms[radius + k][i].
  private func sum(_ terms: [UnsafePointer<Float>], count: Int, to target: UnsafeMutablePointer<Float>) {
    weights.withUnsafeBufferPointer { weights in
      terms.withUnsafeBufferPointer { terms in
        let centre = terms.count / 2
        let whole = count & ~7
        for index in stride(from: 0, to: whole, by: 8) {
          @inline(__always) func eight(_ term: Int) -> SIMD8<Float> {
            UnsafeRawPointer(terms[term] + index).loadUnaligned(as: SIMD8<Float>.self)
          }
          var total = eight(centre) * weights[0]
          for k in 1..<max(1, weights.count) {
            total += (eight(centre &- k) + eight(centre &+ k)) * weights[k]
          }
          UnsafeMutableRawPointer(target + index).storeBytes(of: total, as: SIMD8<Float>.self)
        }
        for index in whole..<count {
          var total = terms[centre][index] * weights[0]
          for k in 1..<max(1, weights.count) {
            total += (terms[centre - k][index] + terms[centre + k][index]) * weights[k]
          }
          target[index] = total
        }
      }
    }
  }
}

/// The index that stands at `index` when 0 ..< count is mirrored about its ends again and again: … 1 0 | 0 1 2 …
private func mirrored(_ index: Int, _ count: Int) -> Int {
  if index >= 0 && index < count { return index }
  let period = 2 * count
  let wrapped = (index % period + period) % period
  return wrapped < count ? wrapped : period - 1 - wrapped
}
