"""A small English-Chinese-Hindi lexicon of radiology: findings, organs, and the words of answers.

Chinese is in simplified characters. Hindi takes the word that clinics use, often English in Devanagari.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

LANGUAGES = ("zh", "hi")

#: English singular [, plural] | Chinese | Hindi | Hindi before a postposition, where that differs.
_FINDINGS = """
abscess, abscesses | 脓肿 | फोड़ा | फोड़े
air | 空气 | हवा
aneurysm, aneurysms | 动脉瘤 | एन्यूरिज्म
appendicitis | 阑尾炎 | अपेंडिसाइटिस
ascites | 腹水 | जलोदर
atelectasis | 肺不张 | एटेलेक्टेसिस
bleeding | 出血 | रक्तस्राव
blood | 血液 | रक्त
blood clot, blood clots | 血凝块 | रक्त का थक्का | रक्त के थक्के
calcification, calcifications | 钙化 | कैल्सीफिकेशन
cancer | 癌症 | कैंसर
cardiomegaly | 心脏扩大 | कार्डियोमेगाली
cataract | 白内障 | मोतियाबिंद
catheter, catheters | 导管 | कैथेटर
consolidation | 实变 | कंसोलिडेशन
contrast | 造影剂 | कंट्रास्ट
cyst, cysts | 囊肿 | सिस्ट
edema | 水肿 | एडिमा
effusion, effusions | 积液 | इफ्यूजन
emphysema | 肺气肿 | वातस्फीति
exudate, exudates | 渗出 | एक्सयूडेट
fibrosis | 纤维化 | फाइब्रोसिस
fluid | 液体 | तरल
foreign body, foreign bodies | 异物 | बाहरी वस्तु
fracture, fractures | 骨折 | फ्रैक्चर
free air | 游离气体 | मुक्त हवा
glaucoma | 青光眼 | ग्लूकोमा
haemorrhage, haemorrhages | 出血 | रक्तस्राव
hematoma, hematomas | 血肿 | हेमाटोमा
hemorrhage, hemorrhages | 出血 | रक्तस्राव
hernia, hernias | 疝 | हर्निया
hydronephrosis | 肾积水 | हाइड्रोनेफ्रोसिस
infarct, infarcts | 梗死 | रोधगलन
infarction | 梗死 | रोधगलन
infiltrate, infiltrates | 浸润 | इनफिल्ट्रेट
keratosis | 角化病 | केराटोसिस
kidney stone, kidney stones | 肾结石 | गुर्दे की पथरी
lesion, lesions | 病变 | विक्षति
lymphadenopathy | 淋巴结肿大 | लिम्फैडेनोपैथी
mass, masses | 肿块 | गांठ
melanoma, melanomas | 黑色素瘤 | मेलेनोमा
metastasis, metastases | 转移 | मेटास्टेसिस
midline shift | 中线移位 | मिडलाइन शिफ्ट
mole, moles | 痣 | तिल
naevus, naevi | 痣 | तिल
necrosis | 坏死 | नेक्रोसिस
nevus, nevi | 痣 | तिल
nodule, nodules | 结节 | नोड्यूल
oedema | 水肿 | एडिमा
opacity, opacities | 阴影 | ओपेसिटी
pacemaker | 起搏器 | पेसमेकर
pericardial effusion | 心包积液 | पेरिकार्डियल इफ्यूजन
pleural effusion, pleural effusions | 胸腔积液 | प्लूरल इफ्यूजन
pneumonia | 肺炎 | निमोनिया
pneumothorax | 气胸 | न्यूमोथोरैक्स
polyp, polyps | 息肉 | पॉलीप
pulmonary edema | 肺水肿 | पल्मोनरी एडिमा
pulmonary embolism | 肺栓塞 | पल्मोनरी एम्बोलिज्म
scoliosis | 脊柱侧弯 | स्कोलियोसिस
stenosis | 狭窄 | स्टेनोसिस
stone, stones | 结石 | पथरी
thrombus | 血栓 | थ्रोम्बस
tuberculosis | 结核病 | तपेदिक
tumor, tumors | 肿瘤 | ट्यूमर
tumour, tumours | 肿瘤 | ट्यूमर
ulcer, ulcers | 溃疡 | अल्सर
"""
#: The same, with the Hindi gender (m, f) at the end.
_ORGANS = """
abdomen | 腹部 | पेट | पेट | m
aorta | 主动脉 | महाधमनी | महाधमनी | f
appendix | 阑尾 | अपेंडिक्स | अपेंडिक्स | m
bladder | 膀胱 | मूत्राशय | मूत्राशय | m
brain | 脑部 | मस्तिष्क | मस्तिष्क | m
breast | 乳房 | स्तन | स्तन | m
chest | 胸部 | छाती | छाती | f
colon | 结肠 | बृहदान्त्र | बृहदान्त्र | m
diaphragm | 膈肌 | डायाफ्राम | डायाफ्राम | m
esophagus | 食管 | ग्रासनली | ग्रासनली | f
eye | 眼睛 | आँख | आँख | f
gallbladder | 胆囊 | पित्ताशय | पित्ताशय | m
heart | 心脏 | हृदय | हृदय | m
kidney | 肾脏 | गुर्दा | गुर्दे | m
liver | 肝脏 | यकृत | यकृत | m
lung | 肺部 | फेफड़ा | फेफड़े | m
pancreas | 胰腺 | अग्न्याशय | अग्न्याशय | m
prostate | 前列腺 | प्रोस्टेट | प्रोस्टेट | m
retina | 视网膜 | रेटिना | रेटिना | m
skin | 皮肤 | त्वचा | त्वचा | f
spine | 脊柱 | रीढ़ | रीढ़ | f
spleen | 脾脏 | प्लीहा | प्लीहा | f
stomach | 胃部 | आमाशय | आमाशय | m
thyroid | 甲状腺 | थायरॉइड | थायरॉइड | m
trachea | 气管 | श्वासनली | श्वासनली | f
uterus | 子宫 | गर्भाशय | गर्भाशय | m
"""
#: Words of answers.
_ANSWERS = """
yes | 是 | हाँ
no | 否 | नहीं
left | 左 | बाईं
right | 右 | दाईं
upper | 上 | ऊपरी
lower | 下 | निचला
superior | 上 | ऊपरी
inferior | 下 | निचला
near | 近 | पास
far | 远 | दूर
small | 小 | छोटा
large | 大 | बड़ा
normal | 正常 | सामान्य
abnormal | 异常 | असामान्य
benign | 良性 | सौम्य
malignant | 恶性 | घातक
male | 男性 | पुरुष
female | 女性 | महिला
axial | 轴位 | अक्षीय
coronal | 冠状位 | कोरोनल
sagittal | 矢状位 | सैजिटल
ct | 计算机断层扫描 | सीटी
mri | 磁共振成像 | एमआरआई
ultrasound | 超声 | अल्ट्रासाउंड
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One term. ``hi_oblique`` is its Hindi form before a postposition; ``gender`` is known for organs."""

    en: str
    zh: str
    hi: str
    hi_oblique: str
    gender: str = ""
    plural: bool = False

    def in_language(self, language: str) -> str:
        return self.zh if language == "zh" else self.hi


def _read(table: str) -> dict[str, Entry]:
    """One entry per English form; the plural shares the foreign words, which do not change."""
    found: dict[str, Entry] = {}
    for line in table.strip().splitlines():
        english, zh, hi, *more = (part.strip() for part in line.split("|"))
        oblique, gender = [*more, hi, ""][:2] if len(more) < 2 else more
        for number, form in enumerate(english.split(", ")):
            found[form] = Entry(form, zh, hi, oblique or hi, gender if len(more) > 1 else "", number > 0)
    return found


@cache
def findings() -> dict[str, Entry]:
    """Findings by English name, singular and plural."""
    return _read(_FINDINGS)


@cache
def organs() -> dict[str, Entry]:
    """Organs by English name."""
    return _read(_ORGANS)


@cache
def answers() -> dict[str, Entry]:
    """Words that are offered as answers."""
    return _read(_ANSWERS)


def term(text: str, language: str) -> str | None:
    """An option or a finding in another language; None where the lexicon does not have it."""
    word = " ".join(text.casefold().split())
    for table in (answers(), findings(), organs()):
        if word in table:
            return table[word].in_language(language)
    return None


def terms(options: tuple[str, ...], language: str) -> dict[str, str] | None:
    """Foreign word -> option, one to one; None where a word is missing or two options share one."""
    found = {foreign: option for option in options if (foreign := term(option, language)) is not None}
    return found if len(found) == len(options) else None
