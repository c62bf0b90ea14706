import Interchange
import LayerGraph
import Volumes

extension Recipe {
  /// The recipe as resolved: every value, defaults included, in a fixed order. Reading it gives this recipe.
  public var json: String { JSONValue.object(object).text(indent: 2) + "\n" }

  /// The same on one line, for a checkpoint's metadata.
  public var compactJSON: String { JSONValue.object(object).text() }

  var object: JSONObject {
    [
      "name": .string(name), "data": data.json, "preprocessing": .array(preprocessing.map(\.json)),
      "sampler": sampler.json, "augmentation": augmentation.json, "model": model.json, "loss": loss.json,
      "optimizer": optimizer.json, "schedule": schedule.json(warmup), "training": training.json,
      "inference": [
        "overlap": .number(inference.overlap),
        "mirror": .array(InferenceSettings.names(inference.mirror).map(JSONValue.string)),
      ],
      "precision": .string(precision.rawValue),
      "memoryBudget": memoryBudget.map(JSONValue.integer) ?? .null,
      "seed": .integer(Int(clamping: seed)),
    ]
  }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }

  static func axes(_ v: SIMD3<Int>) -> JSONValue { .array([.integer(v.x), .integer(v.y), .integer(v.z)]) }
  static func axes(_ v: SIMD3<Double>) -> JSONValue { .array([.number(v.x), .number(v.y), .number(v.z)]) }
  static func range(_ v: SIMD2<Double>) -> JSONValue { .array([.number(v.x), .number(v.y)]) }
}

extension DataSettings {
  var json: JSONValue {
    var object: JSONObject = ["layout": .string(layout.rawValue), "folder": .string(folder)]
    if layout == .pairs {
      object["images"] = .string(images)
      object["labels"] = .string(labels)
    }
    if layout == .paths {
      object["imagePaths"] = .array(imagePaths.map(JSONValue.string))
      object["labelPath"] = .string(labelPath)
    }
    if layout == .list {
      object["cases"] = .array(
        cases.map { entry in
          [
            "name": .string(entry.name), "images": .array(entry.images.map(JSONValue.string)),
            "label": .string(entry.label),
          ]
        })
    }
    if !classes.isEmpty {
      var names = JSONObject()
      for label in classes { names[label.name] = .integer(Int(label.id)) }
      object["classes"] = .object(names)
    }
    if !regions.isEmpty {
      var unions = JSONObject()
      for region in regions { unions[region.name] = .array(region.classes.map(JSONValue.string)) }
      object["regions"] = .object(unions)
    }
    object["otherLabels"] = .string(otherLabels.rawValue)
    object["ignore"] = ignore.map { .integer(Int($0)) } ?? .null
    if !channels.isEmpty { object["channels"] = .array(channels.map(JSONValue.string)) }
    if resampleChannels { object["resampleChannels"] = .bool(true) }
    switch split {
    case .none: object["split"] = .null
    case .trainingCases: object["split"] = ["validation": .string("training-cases")]
    case .file(let path, nil): object["split"] = .string(path)
    case .file(let path, let groupBy?):
      object["split"] = .object(groupBy.json(beside: ["file": .string(path)]))
    case .folds(let count, let seed, let groupBy):
      let folds: JSONObject = ["folds": .integer(count), "seed": .integer(Int(clamping: seed))]
      object["split"] = .object((groupBy ?? CaseGrouping()).json(beside: folds))
    }
    return .object(object)
  }
}

extension CaseGrouping {
  func json(beside split: JSONObject) -> JSONObject {
    var object = split
    object["groupBy"] = pattern.map(JSONValue.string) ?? .null
    if !groups.isEmpty { object["groups"] = .array(groups.map { .array($0.map(JSONValue.string)) }) }
    return object
  }
}

extension SamplerSettings {
  var json: JSONValue {
    var probabilities = JSONObject()
    for (name, probability) in classProbabilities { probabilities[name] = .number(probability) }
    return [
      "patch": .axes(patch), "batch": .integer(batch), "microBatches": .integer(microBatches),
      "placement": .string(placement.rawValue),
      "classProbabilities": classProbabilities.isEmpty ? .null : .object(probabilities),
      "foreground": .number(foreground), "inside": .bool(inside), "pad": .array(pad.map(JSONValue.number)),
    ]
  }
}
