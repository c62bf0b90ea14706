import KernelCatalog
import LayerGraph

/// A node's value as consumers read it: the segments of a concat, each a sum of stored tensors with steps that
/// the consumer's load takes.
struct LazyValue {
  var segments: [LazySegment]

  /// The only term of the only segment, where nothing is mapped.
  var singleTerm: LazyTerm? {
    guard segments.count == 1, segments[0].terms.count == 1, segments[0].map == .identity else { return nil }
    return segments[0].terms[0]
  }
  /// The stored tensor where the value is just that.
  var stored: TensorID? {
    guard let term = singleTerm, term.isPlain else { return nil }
    return term.tensor
  }
}

struct LazySegment {
  var terms: [LazyTerm]
  var channels: Int
  /// Extents of the stored tensors.
  var source: Extent
  var map = IndexMap.identity
  var isPlanar: Bool
}

struct LazyTerm {
  var tensor: TensorID
  /// Where the samples that are read begin; not for terms with a norm or keep-bits.
  var offsetInBytes = 0
  var isHalf: Bool
  /// scale and shift of a norm.
  var scale: TensorID?
  var activation = Activation.none
  var slope = 0.0
  var keep: TensorID?
  var keepScale = 1.0

  var isPlain: Bool { scale == nil && activation == .none && keep == nil }
}

enum IndexMap: Equatable {
  case identity
  case crop(Extent)
  case nearest(Extent)
  case trilinear(Extent)

  var code: Int {
    switch self {
    case .identity, .crop: 0
    case .nearest: 1
    case .trilinear: 2
    }
  }
  var cropOffset: Extent {
    if case .crop(let offset) = self { return offset }
    return 0
  }
  var factor: Extent {
    switch self {
    case .identity, .crop: 1
    case .nearest(let factor), .trilinear(let factor): factor
    }
  }
}

extension LazySegment {
  var flags: SegmentFlags {
    var flags = SegmentFlags()
    flags.map = map.code
    flags.isPlanar = isPlanar
    flags.hasTwoTerms = terms.count == 2
    flags.terms = terms.map { term in
      var f = SegmentFlags.TermFlags()
      f.isHalf = term.isHalf
      f.hasNorm = term.scale != nil
      f.hasKeep = term.keep != nil
      f.activation = term.activation
      return f
    }
    return flags
  }

  /// The twenty words of `SegmentWord`, in its order.
  var words: [Word] {
    func operand(_ id: TensorID?) -> Word { id.map { .operand($0, offsetInBytes: 0) } ?? .absent }
    let second = terms.count > 1 ? terms[1] : nil
    let crop = map.cropOffset
    let factor = map.factor
    return [
      .operand(terms[0].tensor, offsetInBytes: terms[0].offsetInBytes), operand(terms[0].scale), operand(terms[0].keep),
      operand(second?.tensor), operand(second?.scale), operand(second?.keep), .integer(channels),
      .integer(source.d), .integer(source.h), .integer(source.w), .integer(crop.d), .integer(crop.h),
      .integer(crop.w), .integer(factor.d), .integer(factor.h), .integer(factor.w),
      .float(terms[0].slope), .float(terms[0].keepScale), .float(second?.slope ?? 0),
      .float(second?.keepScale ?? 1),
    ]
  }

  var blocks: Int { (channels + 15) / 16 }
}
