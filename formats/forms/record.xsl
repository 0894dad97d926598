<?xml version="1.0" encoding="UTF-8"?>
<!-- The record as the form people know: the certificate of contributions (参保缴费凭证) and the information form (信息表).

     Input (made by forms.py, never a file): f:form with f:text, f:name, f:column, f:group, f:fact, and behind them the
     document itself, a delivery or a record. What is not among the f:group is not shown, whatever the document holds.
     Every value passes through value-of and every attribute through an attribute value template, so the serializer
     escapes it. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:f="urn:jiexu:form:1"
                xmlns:m="urn:jiexu:message:1" xmlns:r="urn:jiexu:record:1" exclude-result-prefixes="f m r">
  <xsl:output method="html" encoding="UTF-8" doctype-system="about:legacy-compat" indent="no"/>

  <xsl:key name="text" match="f:text" use="@key"/>
  <xsl:key name="name" match="f:name" use="concat(@list, '|', @code)"/>
  <xsl:key name="column" match="f:column" use="@row"/>
  <xsl:key name="group" match="f:group" use="@name"/>
  <xsl:key name="kind" match="r:contribution" use="@kind"/>
  <!-- Months of one kind and year that differ in nothing but their dates. -->
  <xsl:key name="run" match="r:contribution"
           use="concat(@kind, '|', substring(@month, 1, 4), '|', @contributionType, '|', @division, '|', @employerId, '|', @base, '|',
                @employerRate, '|', @personRate, '|', @employerDue, '|', @personDue, '|', @employerPaid, '|', @employerPaidAccount, '|',
                @personPaid, '|', @personPaidAccount)"/>
  <xsl:key name="year" match="r:contribution" use="concat(@kind, '|', substring(@month, 1, 4))"/>

  <xsl:variable name="record" select="//r:record[1]"/>
  <xsl:variable name="delivery" select="/f:form/m:delivery"/>
  <!-- A lookup does not say that there are no rows, only that none is in its scope. -->
  <xsl:variable name="none" select="key('text', concat('text.none', substring('.limited', 1, 8 * (/f:form/@limited = 'yes'))))"/>

  <xsl:template match="/f:form">
    <html lang="{@lang}">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="referrer" content="no-referrer"/>
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
        <title><xsl:value-of select="key('text', @title)"/></title>
        <style><xsl:value-of select="f:style"/></style>
      </head>
      <body>
        <header>
          <h1><xsl:value-of select="key('text', @title)"/></h1>
          <dl>
            <xsl:if test="count(f:fact) = 1"><xsl:attribute name="class">single</xsl:attribute></xsl:if>
            <xsl:for-each select="f:fact">
              <div>
                <dt><xsl:value-of select="key('text', @key)"/></dt>
                <dd><xsl:value-of select="."/></dd>
              </div>
            </xsl:for-each>
          </dl>
        </header>
        <main>
          <xsl:if test="$delivery">
            <section id="transfer">
              <h2><xsl:value-of select="key('text', 'section.transfer')"/></h2>
              <xsl:call-template name="values"><xsl:with-param name="element" select="$delivery/m:header"/></xsl:call-template>
            </section>
          </xsl:if>
          <xsl:if test="$record/r:registration/r:person/@*">
            <section id="person">
              <h2><xsl:value-of select="key('text', 'section.person')"/></h2>
              <xsl:call-template name="values"><xsl:with-param name="element" select="$record/r:registration/r:person"/></xsl:call-template>
            </section>
          </xsl:if>
          <xsl:if test="key('group', 'contributions') and key('group', 'account')">
            <xsl:apply-templates select="$delivery/m:forms/m:form"/>
          </xsl:if>
          <xsl:if test="key('group', 'registration')">
            <xsl:call-template name="table">
              <xsl:with-param name="id" select="'employers'"/>
              <xsl:with-param name="rows" select="$record/r:registration/r:employers/r:employer"/>
            </xsl:call-template>
            <xsl:call-template name="table">
              <xsl:with-param name="id" select="'enrolments'"/>
              <xsl:with-param name="rows" select="$record/r:registration/r:enrolments/r:enrolment"/>
            </xsl:call-template>
          </xsl:if>
          <xsl:if test="key('group', 'contributions')">
            <xsl:call-template name="contributions"/>
            <xsl:call-template name="table">
              <xsl:with-param name="id" select="'subsidies'"/>
              <xsl:with-param name="rows" select="$record/r:contributions/r:subsidy"/>
            </xsl:call-template>
          </xsl:if>
          <xsl:if test="key('group', 'benefits')">
            <xsl:call-template name="table">
              <xsl:with-param name="id" select="'benefits'"/>
              <xsl:with-param name="rows" select="$record/r:benefits/r:benefit"/>
            </xsl:call-template>
          </xsl:if>
          <xsl:if test="key('group', 'account')">
            <xsl:call-template name="table">
              <xsl:with-param name="id" select="'months'"/>
              <xsl:with-param name="rows" select="$record/r:account/r:monthTotal"/>
            </xsl:call-template>
            <xsl:call-template name="table">
              <xsl:with-param name="id" select="'account'"/>
              <xsl:with-param name="rows" select="$record/r:account/r:accountYear"/>
            </xsl:call-template>
          </xsl:if>
          <xsl:if test="key('group', 'other')">
            <xsl:call-template name="table">
              <xsl:with-param name="id" select="'other'"/>
              <xsl:with-param name="rows" select="$record/r:other/r:entry"/>
            </xsl:call-template>
          </xsl:if>
          <xsl:if test="$delivery">
            <xsl:call-template name="table">
              <xsl:with-param name="id" select="'approvals'"/>
              <xsl:with-param name="rows" select="$delivery/m:approvals/m:approval"/>
            </xsl:call-template>
          </xsl:if>
        </main>
        <footer>
          <p><xsl:value-of select="key('text', 'text.yuan')"/></p>
          <xsl:if test="@limited = 'yes'">
            <p><xsl:value-of select="key('text', 'text.limited')"/></p>
          </xsl:if>
        </footer>
      </body>
    </html>
  </xsl:template>

  <!-- The information form of one pension (信息表): what moves, and behind it the months that it comes from. -->
  <xsl:template match="m:form">
    <section class="form">
      <h2><xsl:value-of select="key('text', 'section.form.1')"/></h2>
      <xsl:call-template name="values"><xsl:with-param name="element" select="m:sums"/></xsl:call-template>
      <h2><xsl:value-of select="key('text', 'section.form.2')"/></h2>
      <table>
        <xsl:call-template name="head"><xsl:with-param name="row" select="'period'"/></xsl:call-template>
        <tbody>
          <xsl:for-each select="m:period"><xsl:call-template name="row"/></xsl:for-each>
        </tbody>
      </table>
    </section>
  </xsl:template>

  <!-- The values of one element, each under its label; one that is absent is left out. -->
  <xsl:template name="values">
    <xsl:param name="element"/>
    <dl>
      <xsl:for-each select="key('column', local-name($element))">
        <xsl:variable name="attribute" select="$element/@*[name() = current()/@attribute]"/>
        <xsl:if test="$attribute">
          <div>
            <dt><xsl:call-template name="label"/></dt>
            <dd><xsl:call-template name="value"><xsl:with-param name="attribute" select="$attribute"/></xsl:call-template></dd>
          </div>
        </xsl:if>
      </xsl:for-each>
    </dl>
  </xsl:template>

  <!-- A section with one table of rows of one type. -->
  <xsl:template name="table">
    <xsl:param name="id"/>
    <xsl:param name="rows"/>
    <section id="{$id}">
      <h2><xsl:value-of select="key('text', concat('section.', $id))"/></h2>
      <xsl:choose>
        <xsl:when test="$rows">
          <table>
            <xsl:call-template name="head"><xsl:with-param name="row" select="local-name($rows[1])"/></xsl:call-template>
            <tbody>
              <xsl:for-each select="$rows"><xsl:call-template name="row"/></xsl:for-each>
            </tbody>
          </table>
        </xsl:when>
        <xsl:otherwise><p class="none"><xsl:value-of select="$none"/></p></xsl:otherwise>
      </xsl:choose>
    </section>
  </xsl:template>

  <!-- The months paid, as in part two of the information form (信息表): a table an insurance kind, a body a year with its
       sums, a row for all months of the year that are alike; its amounts are those of all these months. -->
  <xsl:template name="contributions">
    <xsl:variable name="rows" select="$record/r:contributions/r:contribution"/>
    <section id="contributions">
      <h2><xsl:value-of select="key('text', 'section.contributions')"/></h2>
      <xsl:if test="not($rows)"><p class="none"><xsl:value-of select="$none"/></p></xsl:if>
      <xsl:for-each select="$rows[generate-id() = generate-id(key('kind', @kind)[1])]">
        <xsl:sort select="@kind"/>
        <xsl:variable name="kind" select="@kind"/>
        <h3>
          <xsl:call-template name="named">
            <xsl:with-param name="list" select="'insurance_kind'"/>
            <xsl:with-param name="code" select="$kind"/>
          </xsl:call-template>
        </h3>
        <table>
          <xsl:call-template name="head"><xsl:with-param name="row" select="'contribution'"/></xsl:call-template>
          <xsl:for-each select="key('kind', $kind)[generate-id() = generate-id(key('year', concat(@kind, '|', substring(@month, 1, 4)))[1])]">
            <xsl:sort select="substring(@month, 1, 4)"/>
            <xsl:variable name="year" select="key('year', concat(@kind, '|', substring(@month, 1, 4)))"/>
            <tbody>
              <xsl:for-each select="$year">
                <xsl:sort select="@month"/>
                <xsl:variable name="run"
                              select="key('run', concat(@kind, '|', substring(@month, 1, 4), '|', @contributionType, '|', @division, '|',
                                      @employerId, '|', @base, '|', @employerRate, '|', @personRate, '|', @employerDue, '|', @personDue, '|',
                                      @employerPaid, '|', @employerPaidAccount, '|', @personPaid, '|', @personPaidAccount))"/>
                <xsl:if test="generate-id() = generate-id($run[1])">
                  <xsl:call-template name="row"><xsl:with-param name="run" select="$run"/></xsl:call-template>
                </xsl:if>
              </xsl:for-each>
              <xsl:call-template name="sums">
                <xsl:with-param name="rows" select="$year"/>
                <xsl:with-param name="label" select="concat(substring(@month, 1, 4), ' ', key('text', 'text.year'))"/>
              </xsl:call-template>
            </tbody>
          </xsl:for-each>
          <tbody class="all">
            <xsl:call-template name="sums">
              <xsl:with-param name="rows" select="key('kind', $kind)"/>
              <xsl:with-param name="label" select="key('text', 'text.total')"/>
            </xsl:call-template>
          </tbody>
        </table>
      </xsl:for-each>
    </section>
  </xsl:template>

  <xsl:template name="sums">
    <xsl:param name="rows"/>
    <xsl:param name="label"/>
    <tr class="sum">
      <xsl:for-each select="key('column', 'contribution')">
        <xsl:variable name="column" select="."/>
        <xsl:choose>
          <xsl:when test="position() = 1"><th scope="row"><xsl:value-of select="$label"/></th></xsl:when>
          <xsl:when test="@shape = 'total' or @shape = 'months'">
            <td class="number" data-label="{.}">
              <xsl:call-template name="value">
                <xsl:with-param name="attribute" select="$rows/@*[name() = $column/@attribute]"/>
              </xsl:call-template>
            </td>
          </xsl:when>
          <xsl:otherwise><td class="empty"/></xsl:otherwise>
        </xsl:choose>
      </xsl:for-each>
    </tr>
  </xsl:template>

  <xsl:template name="head">
    <xsl:param name="row"/>
    <thead>
      <tr>
        <xsl:for-each select="key('column', $row)">
          <th scope="col"><xsl:call-template name="label"/></th>
        </xsl:for-each>
      </tr>
    </thead>
  </xsl:template>

  <!-- One row of the current element, or of all elements of a run; a narrow screen shows `data-label` for the head. -->
  <xsl:template name="row">
    <xsl:param name="run" select="."/>
    <xsl:variable name="tag" select="local-name()"/>
    <tr>
      <xsl:for-each select="key('column', $tag)">
        <xsl:variable name="attribute" select="$run/@*[name() = current()/@attribute]"/>
        <td data-label="{.}">
          <xsl:choose>
            <xsl:when test="@shape = 'range' or @shape = 'code'"><xsl:attribute name="class"><xsl:value-of select="@shape"/></xsl:attribute></xsl:when>
            <xsl:when test="@shape != ''"><xsl:attribute name="class">number</xsl:attribute></xsl:when>
          </xsl:choose>
          <xsl:if test="not($attribute)"><xsl:attribute name="class">empty</xsl:attribute></xsl:if>
          <xsl:call-template name="value"><xsl:with-param name="attribute" select="$attribute"/></xsl:call-template>
        </td>
      </xsl:for-each>
    </tr>
  </xsl:template>

  <!-- The label of the current column, with its code of LD/T 92 or GB/T 40217 in small. -->
  <xsl:template name="label">
    <xsl:value-of select="."/>
    <xsl:if test="@code != ''">
      <xsl:text> </xsl:text>
      <small><xsl:value-of select="@code"/></small>
    </xsl:if>
  </xsl:template>

  <!-- One value, or the values of a run, in the form of the current column: a code with its name, a rate in percent, months
       as ranges or counted, amounts added up, else as it is. -->
  <xsl:template name="value">
    <xsl:param name="attribute"/>
    <xsl:choose>
      <xsl:when test="not($attribute)"/>
      <xsl:when test="@list != ''">
        <xsl:call-template name="named">
          <xsl:with-param name="list" select="@list"/>
          <xsl:with-param name="code" select="$attribute"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:when test="@shape = 'total'"><xsl:value-of select="f:total($attribute)"/></xsl:when>
      <xsl:when test="@shape = 'range'"><xsl:value-of select="f:range($attribute)"/></xsl:when>
      <xsl:when test="@shape = 'months'"><xsl:value-of select="f:months($attribute)"/></xsl:when>
      <xsl:when test="@shape = 'rate'">
        <xsl:value-of select="concat(format-number($attribute * 100, '0.####'), ' %')"/>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="$attribute"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="named">
    <xsl:param name="list"/>
    <xsl:param name="code"/>
    <xsl:variable name="name" select="key('name', concat($list, '|', $code))"/>
    <xsl:choose>
      <xsl:when test="$name">
        <xsl:value-of select="$name"/>
        <xsl:text> </xsl:text>
        <small><xsl:value-of select="$code"/></small>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="$code"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
