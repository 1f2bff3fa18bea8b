use super::*;

fn div(inside: &str) -> String {
    format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inside}</div>")
}

#[test]
fn plain_markup_is_welcome() {
    for inside in [
        "text",
        "<p>a &lt; b &#160; &#xA0;</p>",
        "<table border=\"1\"><tr><td colspan='2'>x</td></tr></table>",
        "a<br/>b<hr />",
        "<a href=\"https://example.org/?a=1&amp;b=2\">x</a>",
        "<img src=\"#pic\" alt=\"\"/>",
        "<span style=\"color: red\">x</span>",
        "<!-- snippet --><p>x</p>",
        "<a name=\"top\">x</a>",
        "<div><div>x</div></div>",
    ] {
        assert_eq!(check(&div(inside)), Ok(()), "{inside}");
    }
}

#[test]
fn whatever_acts_or_loads_is_refused() {
    for inside in [
        "<script>x</script>",
        "<p onclick=\"x()\">x</p>",
        "<img src=\"https://example.org/x.png\"/>",
        "<a href=\"java&#x73;cript:x\">x</a>",
        "<a href=\" java\tscript:x\">x</a>",
        "<a href=\"data:text/html,x\">x</a>",
        "<img src=\"data:image/svg+xml;base64,AA\"/>",
        "<p style=\"background: u&#82;l(x)\">x</p>",
        "<iframe src=\"#a\"/>",
        "<object/>",
        "<form>x</form>",
        "<svg>x</svg>",
        "<link href=\"x\"/>",
        "<p style=\"width: expr/**/ession(x)\">x</p>",
        "<base href=\"x\"/>",
        "<style>p{}</style>",
        "<IMG SRC=\"#x\"/>",
    ] {
        assert!(check(&div(inside)).is_err(), "{inside}");
    }
}

#[test]
fn markup_that_is_not_well_formed_is_refused() {
    for text in [
        "",
        "text",
        "<div",
        "<div>x</div>",
        "<p>x</p>",
        "<divx>x</divx>",
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        "<div xmlns=\"other\">x</div>",
    ] {
        assert!(check(text).is_err(), "{text}");
    }
    for inside in [
        "",
        " ",
        "<p>x",
        "<p>x</b></p>",
        "<br>",
        "&nbsp;",
        "a & b",
        "<p class=x>y</p>",
        "<p class=\"a\" class=\"b\">y</p>",
        "<![CDATA[x]]>",
        "<!DOCTYPE x>",
        "<?x y?>",
        "<!--[if IE]>x<![endif]-->",
        "<p class=\"a\"id=\"b\">y</p>",
        "<p a>",
        "< p>x</p>",
    ] {
        assert!(check(&div(inside)).is_err(), "{inside}");
    }
    assert!(check(&format!("{}x", div("x"))).is_err());
    assert!(check(&div(&format!("{}x{}", "<b>".repeat(1000), "</b>".repeat(1000)))).is_err());
}
