import Interchange
import LayerGraph

extension ModelSettings {
  var json: JSONValue {
    var object: JSONObject = ["name": .string(name)]
    func lists(_ extents: [Extent]) -> JSONValue {
      .array(extents.map { .array([.integer($0.w), .integer($0.h), .integer($0.d)]) })
    }
    if name == "nnunet-plain" {
      object["widths"] = .array(nnunet.widths.map(JSONValue.integer))
      if !nnunet.kernels.isEmpty { object["kernels"] = lists(nnunet.kernels) }
      if !nnunet.factors.isEmpty { object["factors"] = lists(nnunet.factors) }
      return .object(object)
    }
    guard name == "unet3d" else {
      if let base { object["base"] = .integer(base) }
      if let dropout { object["dropout"] = .number(dropout) }
      if let norm { object["norm"] = .string(norm.rawValue) }
      return .object(object)
    }
    object["widths"] = .array(unet.widths.map(JSONValue.integer))
    object["norm"] = .string(unet.norm.rawValue)
    object["activation"] = .string(unet.activation == .relu ? "relu" : "leaky-relu")
    object["down"] = .string(unet.down.rawValue)
    object["up"] = .string(unet.up.rawValue)
    object["residual"] = .bool(unet.residual)
    object["dropout"] = .number(unet.dropout)
    if !unet.kernels.isEmpty { object["kernels"] = lists(unet.kernels) }
    if !unet.factors.isEmpty { object["factors"] = lists(unet.factors) }
    return .object(object)
  }
}

extension LossSettings {
  var json: JSONValue {
    var object: JSONObject = [
      "name": .string(name), "background": .bool(background), "batch": .bool(batch),
    ]
    if let entropyWeight { object["entropyWeight"] = .number(entropyWeight) }
    if let regionWeight { object["regionWeight"] = .number(regionWeight) }
    for (key, value) in [("epsilon", epsilon), ("alpha", alpha), ("beta", beta), ("gamma", gamma)] {
      if let value { object[key] = .number(value) }
    }
    if !classWeights.isEmpty {
      var weights = JSONObject()
      for entry in classWeights { weights[entry.name] = .number(entry.weight) }
      object["classWeights"] = .object(weights)
    }
    return .object(object)
  }
}

extension OptimizerChoice {
  var json: JSONValue {
    var object: JSONObject = [
      "name": .string(name), "learningRate": .number(learningRate), "weightDecay": .number(weightDecay),
    ]
    if name == "sgd" || name == "momentum" {
      object["momentum"] = .number(beta1)
    } else {
      object["beta1"] = .number(beta1)
      object["beta2"] = .number(beta2)
      object["epsilon"] = .number(epsilon)
    }
    object["clipNorm"] = .number(clipNorm)
    return .object(object)
  }
}
