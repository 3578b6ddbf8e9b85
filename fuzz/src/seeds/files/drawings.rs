//! SVG.

/// Shapes, styles, gradients, `use`, text, metadata: what drawing programs write.
pub(super) fn whole() -> Vec<u8> {
    br##"<?xml version="1.0"?><!-- a --><!DOCTYPE svg [<!ENTITY c "#336699">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 20 16" width="20px">
<metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:rights>Ana</dc:rights></rdf:RDF></metadata>
<style>.a { fill : url(#g) } @media print { .b { stroke: rgb(1, 2, 3) } }</style>
<defs><linearGradient id="g" x1="0%"><stop offset="0.25" stop-color="#FFFFFF"/><stop offset="1"/></linearGradient>
<pattern id="p" width="2" height="2" patternUnits="userSpaceOnUse"><circle r="1.0000" fill="&c;"/></pattern>
<filter id="f"><feGaussianBlur stdDeviation="1"/><feTurbulence numOctaves="2"/></filter>
<clipPath id="k"><rect width="9" height="9"/></clipPath><marker id="m"><path d="M0 0h1"/></marker></defs>
<g transform="translate(1.0001,2) scale(1.5)"><path class="a" d="M 1.2345,2 C 3 4 5 6 7 8 S 9 10 11 12 q 1 2 3 4 t 1 1 a 2 3 10 0 1 2 2 h 1 v 1 z"/>
<polygon points="0,0 1,1 2.50,0" style="fill: url(#p); marker-start:url(#m)"/></g>
<use xlink:href="#p" x="1" filter="url(#f)" clip-path="url(#k)"/><text x="1" xml:space="preserve"> a <tspan>b</tspan></text>
<switch><g><rect/></g></switch><animate attributeName="x" to="3"/></svg>"##
        .to_vec()
}

/// What must not come out.
pub(super) fn hostile() -> Vec<u8> {
    br##"<?xml-stylesheet href="http://a.example/"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" onload="a()">
<script>a()</script><a x:href="javascript:a()" href="data:text/html,a"><rect width="9" height="9" style="fill:url(http://a.example/)"/></a>
<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="http://a.example/"/></foreignObject>
<image href="data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjxzY3JpcHQvPjwvc3ZnPg=="/>
<image href="//a.example/"/><use href="a.svg#b"/><set attributeName="href" to="a"/><style>@import "a"; b { c: u\72l("//d") }</style>
<g xml:base="http://a.example/"><handler/><circle r="5" fill="url( 'http://a.example/' )"/></g></svg>"##
        .to_vec()
}
