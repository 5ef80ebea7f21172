"""PyTorch modules."""

import numpy as np

from . import ModelCase, Subject, response, rows_of_numbers, three_classes, two_classes


def fitted(layers, loss, targets, rows):
    """Full-batch training of layers in order; with dropout, left in training mode."""
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = torch.nn.Sequential(*layers())
        inputs = torch.tensor(rows.to_numpy("float32"))
        optimizer = torch.optim.Adam(model.parameters(), 0.05)
        for _ in range(60):
            optimizer.zero_grad()
            loss(model(inputs), targets).backward()
            optimizer.step()
    return model


def codes(labels):
    import torch

    return torch.tensor(np.unique(labels, return_inverse=True)[1])


def of_scores() -> Subject:
    from torch import nn

    rows = rows_of_numbers()
    model = fitted(
        lambda: [
            nn.Linear(4, 16),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(16, 3),
        ],
        nn.CrossEntropyLoss(),
        codes(three_classes(rows["signal"])),
        rows,
    )
    return Subject(model, rows, [0, 1, 2], "signal")


def of_log_probabilities() -> Subject:
    from torch import nn

    rows = rows_of_numbers()
    model = fitted(
        lambda: [nn.Linear(4, 2), nn.LogSoftmax(1)],
        nn.NLLLoss(),
        codes(two_classes(rows["signal"])),
        rows,
    )
    return Subject(model, rows, [0, 1], "signal")


def of_sigmoids() -> Subject:
    import torch
    from torch import nn

    rows = rows_of_numbers()
    targets = torch.tensor(np.column_stack([rows["noise"] > 0, rows["signal"] > 0]) * 1.0).float()
    model = fitted(lambda: [nn.Linear(4, 2), nn.Sigmoid()], nn.BCELoss(), targets, rows)
    return Subject(model, rows, [0, 1], "signal")


def of_numbers() -> Subject:
    import torch
    from torch import nn

    rows = rows_of_numbers()
    targets = torch.tensor(response(rows["signal"]), dtype=torch.float32)[:, None]
    model = fitted(
        lambda: [nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1)], nn.MSELoss(), targets, rows
    )
    return Subject(model, rows, None, "signal")


def of_a_module() -> Subject:
    import torch

    from pylime import as_classifier

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.output = torch.nn.Linear(4, 1)
            with torch.no_grad():
                self.output.weight.copy_(torch.tensor([[0.1, 0.0, 2.0, 0.1]]))

        def forward(self, rows):
            return self.output(rows).squeeze()

    model = as_classifier(Network(), ["no", "yes"])
    return Subject(model, rows_of_numbers(), ["no", "yes"], "signal")


def pictures(n: int = 5) -> tuple[np.ndarray, str]:
    """Grey images with something red in each, and the superpixel of it."""
    from pylime.superpixels import segment

    random = np.random.default_rng(4)
    array = random.integers(180, 200, (n, 48, 48, 3)).astype(np.uint8)
    array[:, 4:28, 20:44] = [230, 20, 20]
    return array, str(segment(array[0], 9, 20, 10)[16, 32])


def of_pictures() -> Subject:
    import torch
    from torch import nn

    convolution = nn.Conv2d(3, 2, 3, padding=1)
    with torch.no_grad():
        convolution.weight.zero_()[1, :, 1, 1] = torch.tensor([0.1, -0.05, -0.05])
        convolution.bias.zero_()
    model = nn.Sequential(
        convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(1)
    )
    array, superpixel = pictures()
    return Subject(
        model,
        array,
        [0, 1],
        superpixel,
        options={"n_superpixels": 9, "predict_options": {"channels_first": True}},
    )


LIBRARY = "PyTorch"
CASES = [
    ModelCase(LIBRARY, "Sequential", "two classes", of_log_probabilities, "torch"),
    ModelCase(LIBRARY, "Sequential of pictures", "two classes", of_pictures, "torch"),
    ModelCase(LIBRARY, "as_classifier(Module)", "two classes", of_a_module, "torch"),
    ModelCase(LIBRARY, "Sequential", "several classes", of_scores, "torch"),
    ModelCase(LIBRARY, "Sequential", "several labels", of_sigmoids, "torch"),
    ModelCase(LIBRARY, "Sequential", "regression", of_numbers, "torch"),
]
