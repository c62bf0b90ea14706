/// Turns stored voxels into values, one chunk of the file at a time, so that only the values are in memory.
enum VoxelDecoding {
  /// Bytes read at once: a multiple of every voxel's width.
  static let chunkInBytes = 1 << 20

  /// Raw bytes → Float: slope · stored + intercept in Double, rounded once.
  static func floats(
    _ raw: UnsafeRawBufferPointer, header: NiftiHeader, into out: UnsafeMutableBufferPointer<Float>
  ) {
    let scaling = header.hasScaling ? (header.slope, header.intercept) : nil
    let swapped = header.isByteSwapped
    switch header.datatype {
    case .uint8: integers(raw, UInt8.self, swapped, scaling, out)
    case .int8: integers(raw, Int8.self, swapped, scaling, out)
    case .int16: integers(raw, Int16.self, swapped, scaling, out)
    case .uint16: integers(raw, UInt16.self, swapped, scaling, out)
    case .int32: integers(raw, Int32.self, swapped, scaling, out)
    case .uint32: integers(raw, UInt32.self, swapped, scaling, out)
    case .int64: integers(raw, Int64.self, swapped, scaling, out)
    case .uint64: integers(raw, UInt64.self, swapped, scaling, out)
    case .float32:
      for i in out.indices {
        let stored = Float(bitPattern: load(raw, i, UInt32.self, swapped))
        out[i] = scaling.map { Float($0.0 * Double(stored) + $0.1) } ?? stored
      }
    case .float64:
      for i in out.indices {
        let stored = Double(bitPattern: load(raw, i, UInt64.self, swapped))
        out[i] = Float(scaling.map { $0.0 * stored + $0.1 } ?? stored)
      }
    }
  }

  /// Raw bytes → class ids; the first voxel that is none stops and is returned with its index.
  static func identifiers(
    _ raw: UnsafeRawBufferPointer, header: NiftiHeader, into out: UnsafeMutableBufferPointer<Int32>
  ) -> (index: Int, found: String)? {
    let swapped = header.isByteSwapped
    if header.hasScaling || header.datatype.isFloatingPoint {
      return numbers(raw, header: header, into: out)
    }
    switch header.datatype {
    case .uint8: return ids(raw, UInt8.self, swapped, out)
    case .int8: return ids(raw, Int8.self, swapped, out)
    case .int16: return ids(raw, Int16.self, swapped, out)
    case .uint16: return ids(raw, UInt16.self, swapped, out)
    case .int32: return ids(raw, Int32.self, swapped, out)
    case .uint32: return ids(raw, UInt32.self, swapped, out)
    case .int64: return ids(raw, Int64.self, swapped, out)
    case .uint64: return ids(raw, UInt64.self, swapped, out)
    case .float32, .float64: return numbers(raw, header: header, into: out)
    }
  }

  @inline(__always)
  private static func load<I: FixedWidthInteger & BitwiseCopyable>(
    _ raw: UnsafeRawBufferPointer, _ index: Int, _: I.Type, _ swapped: Bool
  ) -> I {
    let value = raw.loadUnaligned(fromByteOffset: index * MemoryLayout<I>.size, as: I.self)
    return swapped ? value.byteSwapped : value
  }

  private static func integers<I: FixedWidthInteger & BitwiseCopyable>(
    _ raw: UnsafeRawBufferPointer, _: I.Type, _ swapped: Bool, _ scaling: (Double, Double)?,
    _ out: UnsafeMutableBufferPointer<Float>
  ) {
    if let (slope, intercept) = scaling {
      for i in out.indices { out[i] = Float(slope * Double(load(raw, i, I.self, swapped)) + intercept) }
    } else {
      for i in out.indices { out[i] = Float(load(raw, i, I.self, swapped)) }
    }
  }

  private static func ids<I: FixedWidthInteger & BitwiseCopyable>(
    _ raw: UnsafeRawBufferPointer, _: I.Type, _ swapped: Bool, _ out: UnsafeMutableBufferPointer<Int32>
  ) -> (index: Int, found: String)? {
    for i in out.indices {
      let stored = load(raw, i, I.self, swapped)
      guard let id = Int32(exactly: stored) else { return (i, "\(stored)") }
      out[i] = id
    }
    return nil
  }

  /// Float-stored or scaled ids: within 1e-4 of an integer counts as that integer (10 · 0.1 in float32 is
  /// 1.0000000149), anything else is no class id.
  private static func numbers(
    _ raw: UnsafeRawBufferPointer, header: NiftiHeader, into out: UnsafeMutableBufferPointer<Int32>
  ) -> (index: Int, found: String)? {
    let (slope, intercept) = header.hasScaling ? (header.slope, header.intercept) : (1, 0)
    let swapped = header.isByteSwapped
    for i in out.indices {
      let stored: Double =
        switch header.datatype {
        case .uint8: Double(load(raw, i, UInt8.self, swapped))
        case .int8: Double(load(raw, i, Int8.self, swapped))
        case .int16: Double(load(raw, i, Int16.self, swapped))
        case .uint16: Double(load(raw, i, UInt16.self, swapped))
        case .int32: Double(load(raw, i, Int32.self, swapped))
        case .uint32: Double(load(raw, i, UInt32.self, swapped))
        case .int64: Double(load(raw, i, Int64.self, swapped))
        case .uint64: Double(load(raw, i, UInt64.self, swapped))
        case .float32: Double(Float(bitPattern: load(raw, i, UInt32.self, swapped)))
        case .float64: Double(bitPattern: load(raw, i, UInt64.self, swapped))
        }
      let value = slope * stored + intercept
      let nearest = value.rounded()
      guard abs(value - nearest) <= 1e-4, let id = Int32(exactly: nearest) else { return (i, "\(value)") }
      out[i] = id
    }
    return nil
  }
}
