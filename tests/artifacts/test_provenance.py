import shutil
from pathlib import Path

import torch

from clcap_cli.artifacts.checkpoints import open_checkpoint
from clcap_cli.artifacts.lineage import read_provenance
from clcap_cli.stages.train_cl import train_cl
from clcap_cli.stages.train_mle import train_mle


def test_every_artifact_records_its_inputs(shared_chain: Path) -> None:
    captions, features = (read_provenance(shared_chain / f"{name}.h5") for name in ("captions", "features"))
    mle, cl = (read_provenance(shared_chain / f"{name}.pt") for name in ("nt", "nt_cl"))
    assert [item.path for item in mle.inputs] == ["captions.h5", "features.h5"]
    assert [item.id for item in mle.inputs] == [captions.id, features.id]
    assert cl.stage == "train-cl"
    assert cl.settings["k"] == 2 and cl.settings["seed"] == 0
    assert cl.input("reference").id == mle.id


def test_a_chain_may_move_to_another_folder(chain: Path, tmp_path: Path, clcap) -> None:
    shutil.move(chain, tmp_path / "elsewhere")
    assert clcap("caption", tmp_path / "elsewhere" / "nt_cl.pt").status == 0


def test_same_seed_same_weights(chain: Path) -> None:
    ids = []
    for seed in (3, 3, 4):
        nt = train_mle(
            chain / "captions.h5", chain / "features.h5", out=chain / "x.pt", embedding=8, hidden=8, epochs=2, seed=seed
        )
        cl = train_cl(nt, k=2, epochs=1, dropout=0.3, seed=seed, out=chain / "y.pt")
        ids.append((read_provenance(nt).id, read_provenance(cl).id))
    assert ids[0] == ids[1]
    assert ids[0][0] != ids[2][0] and ids[0][1] != ids[2][1]


def test_a_checkpoint_holds_plain_types_and_tensors_only(shared_chain: Path) -> None:
    content = torch.load(shared_chain / "nt_cl.pt", weights_only=True)

    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(item) for key, item in value.items())
        if isinstance(value, list | tuple):
            return all(map(plain, value))
        return value is None or type(value) in (str, int, float, bool, torch.Tensor)

    assert plain({**content, "weights": dict(content["weights"])})


def test_rounds_and_lineage(chain: Path, clcap) -> None:
    assert clcap("swap-reference", "--ref", chain / "nt.pt", "--candidate", chain / "nt_cl.pt", "--force").status == 0
    assert clcap("train-cl", "--ref", chain / "nt_ref1.pt", "--k", 1, "--epochs", 1).out == f"{chain}/nt_ref1_cl.pt\n"
    again = clcap("swap-reference", "--ref", chain / "nt_ref1.pt", "--candidate", chain / "nt_ref1_cl.pt", "--force")
    assert again.out == f"{chain}/nt_ref2.pt\n"
    second = open_checkpoint(chain / "nt_ref2.pt").lineage
    assert second.round == 2
    assert second.parents == [read_provenance(chain / f"{name}.pt").id for name in ("nt", "nt_ref1")]
