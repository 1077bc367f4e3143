"""Emoji by category: 32x32 pictures in colour, of two makers.

Not among the paper's experiments; all is chosen: the network of the preset
`gated_pixelcnn_emoji`, and as many pictures as that one saw, in ten minutes on a GPU.
The data are two packages of npm, some 130 MB: Noto's pictures (Apache licence 2.0) and
Twemoji's (CC BY 4.0: name Twitter, Inc. and other contributors beside what is made of
them):

    npm install --prefix data emoji-datasource-google emoji-datasource-twitter
    python -m trainers.train --config=emoji --config.dataset=emoji:data ...
"""

from ml_collections import config_dict

from trainers.configs import digits


def get_config() -> config_dict.ConfigDict:
    """Returns the fields of `trainers.configs.digits`."""
    config = digits.get_config()
    config.update(
        dataset="emoji:data",
        num_levels=256,
        # 60% of the pictures are of people: else the other eight categories starve.
        sampling="class_balanced",
        horizontal_flips=True,
        epochs=128,
        learning_rate=8e-4,
        warmup_share=0.02,
        clip_norm=1.0,
        ema_momentum=0.999,
        num_samples=100,
    )
    config.model.update(
        filters=60,
        num_blocks=10,
        kernel_size=5,
        first_kernel_size=7,
        head_filters=192,
        dropout_rate=0.25,  # some 6,100 pictures are seen a hundred times each
    )
    config.model.num_classes = 9
    config.model.condition_dropout = 0.12
    config.model.vector_map = True
    config.model.positions = True
    config.model.vertical_gain = 2.2
    # Some processors multiply in 16 bits several times as fast; None: in 32.
    config.model.dtype = config_dict.placeholder(str)
    return config
