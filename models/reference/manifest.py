"""manifest.json of a model trained here, schema 2 (appliance/domain/model.ts says what each field means)."""
import hashlib


def code(pair):
    value, meaning = pair
    return {"value": value, "scheme": "SCT", "meaning": meaning}


def manifest(words, version, onnx_file, labels):
    content = onnx_file.read_bytes()
    return {
        "schema": 2,
        "name": words["name"],
        "version": version,
        "title": words["title"],
        "intendedUse": words["intendedUse"],
        "notFor": words["notFor"],
        "licence": "Apache-2.0",
        "algorithm": {"name": words["algorithm"], "version": version},
        "trainingData": words["trainingData"],
        "parts": [
            {
                "name": "main",
                "nnunet": {"plans": "nnunet/plans.json", "dataset": "nnunet/dataset.json", "configuration": "3d_fullres"},
                "networks": [{"file": onnx_file.name, "sha256": hashlib.sha256(content).hexdigest(), "sizeBytes": len(content), "precision": "fp32", "engine": "onnx", "input": "input", "output": "logits"}],
            }
        ],
        "crop": None,
        "stepSize": 0.5,
        "mirrorAxes": [],
        "postprocessing": {"removeSmallBlobsMm3": None, "keepLargest": words["keepLargest"]},
        "labels": [
            {"value": value, "name": name, "title": title, "category": code(category), "type": code(type_), "modifiers": [code(pair) for pair in modifiers], "anatomicRegion": None, "color": colour, "rtRoiInterpretedType": interpreted}
            for value, name, title, category, type_, modifiers, colour, interpreted in labels
        ],
    }
